"""Who the requests come from: a student who is bound, and for the calls that end something a new one each time."""

import itertools
import os

import requests
import schemathesis

URL = os.environ["FUZZ_URL"]
STUDENT = "311509000009"
ENDINGS = {("DELETE", "/api/user"), ("POST", "/api/logout"), ("DELETE", "/api/bind")}

numbers = itertools.count(1)


def log_in(user):
    answer = requests.post(f"{URL}/api/login", data={"code": f"sim-{user}-{next(numbers)}"}, timeout=30)
    answer.raise_for_status()
    return answer.json()["data"]["token"]


def bound_student():
    token = log_in("fuzzbound")
    form = {"studentId": STUDENT, "vpnPassWord": "vpn-000009", "jwcPassWord": "jwc-000009"}
    headers = {"Authorization": f"Bearer {token}"}
    requests.post(f"{URL}/api/bind", data=form, headers=headers, timeout=60).raise_for_status()
    form = {"key": "libPassWord", "value": "lib-000009"}
    requests.put(f"{URL}/api/user", data=form, headers=headers, timeout=30).raise_for_status()
    return token


BOUND = bound_student()


@schemathesis.auth(refresh_interval=None)
class Token:
    def get(self, case, context):
        if (case.operation.method.upper(), case.operation.path) in ENDINGS:
            return log_in(f"fuzz{next(numbers)}")
        return BOUND

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"
