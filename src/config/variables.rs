//! All environment variables of the engine: the only list, used for reading, `.env.example` and `wehpu-engine config`.

/// One environment variable.
pub struct Variable {
    /// Its name, `WEHPU_…`.
    pub name: &'static str,
    /// Its value when it is not set; `None` for a required variable, or an optional one without a default.
    pub default: Option<&'static str>,
    /// An acceptable value, shown in error messages and `.env.example`.
    pub example: &'static str,
    /// Whether its value must never be printed. A secret can also come from a file, named in `<NAME>_FILE`.
    pub secret: bool,
    /// Its meaning, for `.env.example`.
    pub doc: &'static str,
}

const fn var(name: &'static str, default: &'static str, doc: &'static str) -> Variable {
    Variable { name, default: Some(default), example: default, secret: false, doc }
}

const fn unset(name: &'static str, example: &'static str, doc: &'static str) -> Variable {
    Variable { name, default: None, example, secret: false, doc }
}

const fn secret(name: &'static str, example: &'static str, doc: &'static str) -> Variable {
    Variable { name, default: None, example, secret: true, doc }
}

/// Modulus of the university's VPN login key in 2017 (1024 bits, hexadecimal).
const HPU_MODULUS: &str = "D41F1B452440585C5D1F853C7CBCB2908CFF324B43A42D7D77D2BB28BD64E2D098079B477D23990E935386FF73CCF865E0D84CE64793306C4083EADECFE36BCC89873EC2BA37D6CA943CB03BA5B4369EE7E31C3539DEA67FF8BF4A5CEE64EB3FD0639E78044B12C7B1D07E86EB7BCF033F78947E0ADE5653B9A88B33AFEB53BD";

/// All variables, in the order in which `.env.example` and `config` print them.
pub static VARIABLES: &[Variable] = &[
    var(
        "WEHPU_PROFILE",
        "prod",
        "dev or prod; prod refuses example secrets, plain-HTTP WeChat/GitHub/VPN addresses and a JWT secret under 32 bytes",
    ),
    var(
        "WEHPU_SCHOOL",
        "hpu-urp",
        "profile of the school: hpu-urp, hpu, demo-zf or the path of a file (docs/SCHOOLS.md); what is set here overrides what it says of the campus",
    ),
    var("WEHPU_BIND_ADDR", "0.0.0.0:3000", "address of the public API"),
    var("WEHPU_ADMIN_ADDR", "127.0.0.1:9090", "address of health and metrics; never published through the proxy"),
    var(
        "WEHPU_ENGINES_ADDR",
        "0.0.0.0:0",
        "where other engines tell this one what was written; with 0.0.0.0 at the address that it reaches the database from, with port 0 at any free port",
    ),
    var(
        "WEHPU_CACHE",
        "16MiB",
        "how much of what was read an engine keeps in memory (bytes, KiB, MiB or off); its container needs as much more",
    ),
    secret(
        "WEHPU_MONGODB_URI",
        "mongodb://engine:PASSWORD@mongo1:27017,mongo2:27017,mongo3:27017/wehpu?replicaSet=wehpu&authSource=wehpu&readPreference=secondaryPreferred&maxStalenessSeconds=90&w=majority",
        "required: replica-set connection string with hosts, database, replicaSet, readPreference, maxStalenessSeconds, w",
    ),
    secret(
        "WEHPU_MIGRATE_MONGODB_URI",
        "mongodb://migrate:PASSWORD@mongo1:27017,mongo2:27017,mongo3:27017/wehpu?replicaSet=wehpu&authSource=wehpu&w=majority",
        "what `migrate`, `rekey` and `takeover` connect with, when that is another database user",
    ),
    secret(
        "WEHPU_SPIDER_MONGODB_URI",
        "mongodb://spider:PASSWORD@mongo1:27017,mongo2:27017,mongo3:27017/wehpu?replicaSet=wehpu&authSource=wehpu&readPreference=secondaryPreferred&maxStalenessSeconds=90&w=majority",
        "what `spider` connects with, as a database user of its own who cannot read accounts; else WEHPU_MONGODB_URI",
    ),
    secret(
        "WEHPU_JWT_SECRET",
        "at-least-32-random-bytes-from-a-generator",
        "required: signs the tokens (HS256); keep the old service's to keep its tokens valid",
    ),
    var("WEHPU_JWT_TTL", "7d", "how long a token is valid"),
    secret(
        "WEHPU_CREDENTIAL_KEYS",
        "k1:BASE64-OF-32-RANDOM-BYTES",
        "required: id:base64(32 bytes), several joined by a comma; the first seals, all open",
    ),
    unset(
        "WEHPU_LEGACY_CIPHER",
        "aes-256-ctr",
        "cipher of the old service's credentials, only for `rekey` after an upgrade: aes-128, aes-192 or aes-256 with -ctr, -cfb, -ofb or -cbc",
    ),
    secret(
        "WEHPU_LEGACY_SECRET",
        "the-old-commonSecret",
        "passphrase of the old service's credentials, only for `rekey` after an upgrade",
    ),
    var("WEHPU_WECHAT_API_URL", "https://api.weixin.qq.com", "WeChat server API"),
    unset("WEHPU_WECHAT_APP_ID", "wx0123456789abcdef", "required: the mini-program's AppID"),
    secret("WEHPU_WECHAT_APP_SECRET", "the-AppSecret", "required: the mini-program's AppSecret"),
    unset(
        "WEHPU_WECHAT_TEMPLATES",
        "AT1107=TEMPLATE_ID:thing1,character_string2,name3,thing4,thing5",
        "client template id = subscribe template id : its fields; several joined by a semicolon; the one called SECOND_BIND tells a student that his number was bound by another account",
    ),
    var("WEHPU_GITHUB_API_URL", "https://api.github.com", "GitHub API"),
    secret("WEHPU_GITHUB_TOKEN", "github_pat_…", "token that may create issues in the repository below"),
    var("WEHPU_GITHUB_REPO", "hpufe/wehpu", "where feedback becomes issues"),
    var("WEHPU_GITHUB_LABELS", "help,bug,suggest", "labels that feedback may carry; others are dropped"),
    var("WEHPU_GITHUB_DONATION_ISSUE", "5", "number of the issue that lists donations"),
    var("WEHPU_VPN_URL", "https://vpn.hpu.edu.cn", "the university's SSL VPN"),
    var("WEHPU_VPN_RSA_MODULUS", HPU_MODULUS, "modulus of the VPN's login key, hexadecimal"),
    var("WEHPU_VPN_RSA_EXPONENT", "65537", "exponent of the VPN's login key, decimal"),
    var("WEHPU_URP_HOST", "218.196.240.97", "inner host of the URP academic system, reached through the VPN"),
    unset(
        "WEHPU_CAPTCHA_MASKS",
        "/etc/wehpu/captcha-masks.txt",
        "glyph masks of the URP's captchas, for a server that draws another font (see `urp-captcha learn`)",
    ),
    var("WEHPU_BULLETIN_HOST", "218.196.240.155", "inner host of the bulletin board, reached through the VPN"),
    unset("WEHPU_BULLETIN_STUDENT_ID", "311500000000", "VPN account that reads the bulletin board"),
    secret("WEHPU_BULLETIN_VPN_PASSWORD", "its-vpn-password", "VPN password of that account"),
    var("WEHPU_LIBRARY_URL", "http://218.196.244.90:8080", "library catalogue"),
    var("WEHPU_PHYSICAL_URL", "http://218.196.240.158", "physical education system"),
    var("WEHPU_REPAIR_URL", "http://houqin.hpu.edu.cn", "logistics: repairs"),
    var("WEHPU_NEWS_URL", "http://news.hpu.edu.cn", "university news"),
    var("WEHPU_LOGISTICS_URL", "http://houqin.hpu.edu.cn", "logistics: news"),
    unset(
        "WEHPU_CAMPUS_CA_FILE",
        "/etc/wehpu/campus-ca.pem",
        "extra root certificates (PEM) for campus hosts; verification is never switched off",
    ),
    var("WEHPU_CAMPUS_TIMEOUT", "10s", "longest wait for one campus request"),
    var("WEHPU_CAMPUS_CONCURRENCY", "32", "requests at once per campus system and replica"),
    var(
        "WEHPU_KEEP_CHANGED_PAGES",
        "off",
        "on: of a campus page that is not understood a cleaned copy is kept for 24 hours, sealed, for `wehpu-engine school pages`",
    ),
    var("WEHPU_FRESH_COURSE", "24h", "how long a stored course table counts as fresh (0s: always ask)"),
    var("WEHPU_FRESH_SCORE", "2m", "how long stored scores count as fresh"),
    var("WEHPU_FRESH_CLASSROOM", "1h", "how long stored empty classrooms count as fresh"),
    var("WEHPU_FRESH_PHYSICAL", "7d", "how long stored physical tests count as fresh"),
    var("WEHPU_FRESH_BORROWING", "5m", "how long stored library loans count as fresh"),
    var("WEHPU_FRESH_TERM", "12h", "how long the list of terms and their dates count as fresh"),
    var("WEHPU_STORAGE_URL", "gridfs:", "where files go: gridfs:, file:///path, s3://bucket or oss://bucket"),
    unset(
        "WEHPU_STORAGE_QUOTA",
        "2GiB",
        "what all files together may take, then uploads get 507 (bytes, KiB, MiB, GiB or off); unset: 2GiB with gridfs:, off elsewhere",
    ),
    var("WEHPU_STORAGE_PER_ACCOUNT", "200MiB", "what the files of one account may take (or off)"),
    unset(
        "WEHPU_PUBLIC_URL",
        "https://wehpu.example.edu.cn",
        "public base of this service, for links to files, calendars and feeds; prod requires it",
    ),
    unset(
        "WEHPU_TERM",
        "2017-2018-1-1",
        "required unless the academic system tells it: the current term as the system writes it (three numbers; four at the URP)",
    ),
    unset(
        "WEHPU_TERM_START",
        "2017-09-04",
        "required with WEHPU_TERM: the Monday on which week 1 starts (Asia/Shanghai)",
    ),
    unset("WEHPU_TERM_WEEKS", "20", "required with WEHPU_TERM: number of weeks of the term"),
    var(
        "WEHPU_SECTION_TIMES",
        "08:00-08:50,09:00-09:50,10:10-11:00,11:10-12:00,14:30-15:20,15:30-16:20,16:30-17:20,17:30-18:20,19:00-19:50,20:00-20:50,21:00-21:50,22:00-22:50,23:00-23:50",
        "begin and end of each lesson of a day, for calendar subscriptions: outside the summer below",
    ),
    var(
        "WEHPU_SECTION_TIMES_SUMMER",
        "08:00-08:50,09:00-09:50,10:10-11:00,11:10-12:00,15:00-15:50,16:00-16:50,17:00-17:50,18:00-18:50,19:30-20:20,20:30-21:20,21:30-22:20,22:30-23:20,23:30-00:20",
        "the same in summer",
    ),
    var(
        "WEHPU_SUMMER",
        "05-01/09-30",
        "first and last day of the summer's lesson times, month-day; off: those of WEHPU_SECTION_TIMES hold all year",
    ),
    unset("WEHPU_TRUSTED_PROXIES", "172.16.0.0/12,127.0.0.1/32", "CIDRs whose X-Forwarded-For counts"),
    var(
        "WEHPU_LIMIT_BIND",
        "3/1h,10/1d,5/1h",
        "binds that the campus refuses: of a user with one student number, of a user, of all users together who never bound the number (count/period; off only in dev)",
    ),
    var("WEHPU_LIMIT_NOTIFY", "5/1d,3/1d", "messages: per sender, then per receiver"),
    var("WEHPU_LIMIT_FEEDBACK", "5/1d", "feedback per user"),
    var("WEHPU_LIMIT_UPLOAD", "20/1d,5/1d", "uploads per user: of those who are bound, then of the others"),
    var("WEHPU_LIMIT_REPAIR", "5/1d", "repair orders per user"),
    var("WEHPU_LIMIT_SEARCH", "20/1m", "searches per user, in articles and in the library's catalogue together"),
    var(
        "WEHPU_LIMIT_LOGIN",
        "300/10m",
        "login codes that WeChat refuses, per client address (a campus is few addresses); valid ones do not count",
    ),
    var("WEHPU_LIMIT_LOOKUP", "10/1d", "look-ups of other students per user"),
    var("WEHPU_LIMIT_BURST", "120/1m", "requests of any kind per user"),
    var("WEHPU_LIMIT_CAPTCHA", "20/1h", "captchas shown to a user for a login at the campus"),
    var(
        "WEHPU_NEWS_LIST_PATH",
        "/SiteFiles/Inner/dynamic/output.aspx?publishmentSystemID=543&pageNodeID=544&pageNum=1",
        "list page of the university news",
    ),
    var("WEHPU_SPIDER_NEWS", "0 2 * * 1-5", "cron expression of the spider's news job (Asia/Shanghai)"),
    var("WEHPU_SPIDER_LOGISTICS", "20 2 * * 1-5", "cron expression of the spider's logistics job"),
    var("WEHPU_SPIDER_BULLETIN", "30 2 * * 1,3,5", "cron expression of the spider's bulletin job"),
    var("WEHPU_SPIDER_CONCURRENCY", "2", "requests at once of a job of the spider, 1 to 8"),
    var("WEHPU_SPIDER_PAUSE", "500ms", "shortest time between the beginnings of two requests of a job, at most 1m"),
    var("WEHPU_SPIDER_MAX_PAGES", "2000", "most list pages that a job goes back"),
    var(
        "WEHPU_SPIDER_STALE",
        "14d",
        "a source that yields nothing new for longer is reported: its pages may have changed",
    ),
    var(
        "WEHPU_PUBLIC_FEEDS",
        "news,logistics",
        "classes of articles whose feeds anybody may read: of news, logistics, lecture, notice; or none. The others need a personal address, since lectures and notices lie behind the VPN",
    ),
    var(
        "WEHPU_RETENTION",
        "540d",
        "accounts that nobody has logged in to for so long are deleted, at least 90d; or off",
    ),
    var("WEHPU_LOG", "info", "log filter: a level, or target=level pairs joined by commas"),
    var("WEHPU_LOG_FORMAT", "json", "json (one object a line) or text"),
    unset(
        "WEHPU_CLOCK_OFFSET",
        "10m",
        "only in dev: how much the clock of this engine is wrong, for tests: ahead (10m) or behind (-10m)",
    ),
];

/// Variables that the compose files and scripts read and the engine does not: name, example, meaning. The scripts take
/// the names of both lists from `.env.example`, to detect typing errors.
pub static ELSEWHERE: &[(&str, &str, &str)] = &[
    ("WEHPU_HTTP_PORT", "8080", "where the proxy's HTTP is published: a port, or address:port"),
    ("WEHPU_HTTPS_PORT", "443", "where production's HTTPS is published"),
    ("WEHPU_SECRETS_DIR", "/etc/wehpu", "production: the folder that docker/make-secrets.sh made"),
    ("WEHPU_BACKUP_DIR", "backups", "folder of the backups"),
    ("WEHPU_ENGINE_IMAGE", "wehpu-engine:local", "image of the engine; docker/rollout.sh --image writes it here"),
    ("WEHPU_SIM_IMAGE", "wehpu-campus-sim:local", "image of the simulated campus"),
    ("WEHPU_MONGO_IMAGE", "mongo:8.0", "image of the members, or a mirror's name for it"),
    ("WEHPU_HAPROXY_IMAGE", "haproxy:3.0", "image of the proxy, or a mirror's name for it"),
    ("WEHPU_BUILDER_IMAGE", "rust:1.95-bookworm", "image that builds the engine, or a mirror's name for it"),
    (
        "WEHPU_FEATURES",
        "object-storage",
        "cargo features that the engine is built with: object-storage for files in a directory or bucket",
    ),
    (
        "WEHPU_BUILD_CA_FILE",
        "/etc/ssl/certs/ca-certificates.crt",
        "certificates that the build needs to reach registries",
    ),
    ("WEHPU_REVISION", "4aa8e8c", "commit that the image names; the scripts set it"),
    ("WEHPU_PROXY_CONNECTIONS_PER_ADDRESS", "4096", "open connections of one address at the proxy"),
    ("WEHPU_PROXY_CONNECTS_PER_ADDRESS", "10000", "new connections of one address in ten seconds"),
    ("WEHPU_PROXY_REQUESTS_PER_ADDRESS", "20000", "requests of one address in ten seconds"),
    ("WEHPU_PROXY_TRANSFERS_PER_ADDRESS", "96", "uploads, downloads and large bodies of one address under way at once"),
    (
        "WEHPU_PROXY_UPLOAD_RATE_PER_ADDRESS",
        "16m",
        "bytes a second (k, m) that all uploads of one address together are read with",
    ),
    ("WEHPU_PROXY_STATS_PASSWORD", "a-password", "development: password of the proxy's statistics"),
    ("WEHPU_ENGINES", "3", "swarm: number of engines"),
    ("WEHPU_CONFIG_VERSION", "1", "swarm: to be raised with each change of a mounted script or configuration"),
    ("WEHPU_ENCRYPT_DATA_NETWORK", "true", "swarm: whether the members talk through an encrypted tunnel"),
    ("WEHPU_MONGO_CACHE_GB", "0.25", "swarm: cache of a member"),
    ("WEHPU_MONGO_OPLOG_MB", "1024", "swarm: oplog of a member"),
    ("WEHPU_MONGO_MEMORY", "1g", "swarm: memory limit of a member"),
];

/// Looks a variable up by name.
#[must_use]
pub fn variable(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|v| v.name == name)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;
    use crate::school::builtin::NAMES;

    /// Settings that the production files fix, settings of commands that a person runs by hand, and one that production
    /// refuses.
    const FIXED: [&str; 4] = ["WEHPU_BIND_ADDR", "WEHPU_LEGACY_CIPHER", "WEHPU_LEGACY_SECRET", "WEHPU_CLOCK_OFFSET"];

    /// The files of settings that the containers of development have, beside that of their school.
    const DEVELOPMENT: [&str; 7] = ["profile", "uri", "migrate-uri", "spider-uri", "common", "engine", "spider"];

    fn development(name: &str) -> String {
        format!("docker/development/{name}.env")
    }

    fn of_school(name: &str) -> String {
        development(&format!("schools/{name}"))
    }

    fn read(path: &str) -> String {
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// The names in `text` that follow `before`.
    fn names<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
        text.split(before).skip(1).map(|rest| {
            rest.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')).next().unwrap_or_default()
        })
    }

    #[test]
    fn every_setting_reaches_the_containers_of_production() {
        for file in ["docker/compose.prod.yml", "docker/stack.yml"] {
            let text = read(file);
            for variable in VARIABLES.iter().filter(|variable| !FIXED.contains(&variable.name)) {
                let name = if variable.secret { format!("{}_FILE", variable.name) } else { variable.name.to_owned() };
                let passed = text.lines().any(|line| line.trim_start().starts_with(&format!("{name}: ")));
                assert!(passed, "{file}: {name}");
            }
        }
    }

    #[test]
    fn every_variable_that_a_compose_file_reads_is_on_a_list() {
        let listed: BTreeSet<&str> =
            VARIABLES.iter().map(|variable| variable.name).chain(ELSEWHERE.iter().map(|(name, ..)| *name)).collect();
        let compose =
            ["docker-compose.yml", "docker/compose.prod.yml", "docker/compose.cluster.yml", "docker/stack.yml"];
        let settings = DEVELOPMENT.map(development).into_iter().chain(NAMES.map(of_school));
        for file in compose.map(str::to_owned).into_iter().chain(settings) {
            let text = read(&file);
            for name in names(&text, "${WEHPU_") {
                let name = format!("WEHPU_{name}");
                assert!(listed.contains(name.as_str()), "{file}: {name}");
            }
        }
    }

    #[test]
    fn each_setting_of_development_is_known_and_stands_in_one_file() {
        for school in NAMES {
            let mut seen = BTreeSet::new();
            for file in DEVELOPMENT.map(development).into_iter().chain([of_school(school)]) {
                for line in read(&file).lines().filter(|line| !line.starts_with('#')) {
                    let (name, _) = line.split_once('=').unwrap_or_else(|| panic!("{file}: {line}"));
                    assert!(variable(name).is_some() && seen.insert(name.to_owned()), "{file}: {name}");
                }
            }
            assert!(seen.contains("WEHPU_SCHOOL"), "{school}");
        }
    }

    #[test]
    fn no_setting_is_listed_twice() {
        let all = VARIABLES.iter().map(|variable| variable.name).chain(ELSEWHERE.iter().map(|(name, ..)| *name));
        let mut seen = BTreeSet::new();
        for name in all {
            assert!(seen.insert(name), "{name}");
        }
    }
}
