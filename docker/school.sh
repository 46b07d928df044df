# shellcheck shell=bash disable=SC2034
# Sourced after progress.sh: the school that a stack of development serves, and the simulator's students there.
#
#   SCHOOL               its profile: WEHPU_SCHOOL, hpu-urp by default
#   need_school          exit 1 when the simulator does not play that
#   be_student NUMBER    that student, by six digits: STUDENT is the student number, RIGHT the passwords of a bind as
#                        field=value, WRONG the same with a wrong one, REFUSED what the answer to that must contain

SCHOOL=$(setting WEHPU_SCHOOL hpu-urp)

need_school() {
    case $SCHOOL in
    hpu-urp | hpu | demo-zf) ;;
    *) die "WEHPU_SCHOOL=$SCHOOL: the simulator plays hpu-urp, hpu and demo-zf" ;;
    esac
}

be_student() {
    need_school
    REFUSED='"jwc": ?false'
    case $SCHOOL in
    hpu-urp)
        STUDENT=311509$1
        RIGHT=("vpnPassWord=vpn-$1" "jwcPassWord=jwc-$1")
        WRONG=(vpnPassWord=wrong "jwcPassWord=jwc-$1")
        REFUSED='"vpn": ?false'
        ;;
    hpu)
        STUDENT=311509$1
        RIGHT=("password=uia-$1")
        WRONG=(password=wrong)
        ;;
    demo-zf)
        STUDENT=202409$1
        RIGHT=("password=zf-$1")
        WRONG=(password=wrong)
        ;;
    esac
}
