//! From text to types, one function per concern. Each reads all its variables before it fails, so that a start names
//! all problems at once.

use std::{net::SocketAddr, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{
    Auth, BadSchedule, BindLimits, Campus, Config, CredentialKeys, Freshness, Github, Legacy, Limits, Listen, Log,
    Mongodb, NotifyLimits, Profile, Rate, Reader, Spider, SpiderConfig, Template, UploadLimits, Wechat, lessons,
    storage, term, variables::variable,
};
use crate::{
    crypto::{LegacyCipher, RsaKey},
    model::{CLASSES, Class, academic::Term},
};

/// Shortest JWT secret in production, in bytes: the output length of HMAC-SHA-256 (RFC 7518 §3.2).
const MIN_JWT_SECRET: usize = 32;

/// Longest pause between requests of the spider: its lists have hundreds of pages.
const MAX_SPIDER_PAUSE: Duration = Duration::from_mins(1);

/// Longest time limit of a campus request: a client's request may take 25 s.
const MAX_CAMPUS_TIMEOUT: Duration = Duration::from_secs(20);

/// Shortest retention of unused accounts: holidays are longer than a month.
const MIN_RETENTION: Duration = Duration::from_hours(90 * 24);

/// Most that a clock may be wrong on purpose: no bench needs more.
const MAX_CLOCK_OFFSET: Duration = Duration::from_hours(24);

/// Longest label of a GitHub issue, in characters.
const MAX_LABEL: usize = 50;

/// Texts that occur in examples and in the development compose file.
const EXAMPLE_MARKS: [&str; 5] = ["PASSWORD", "BASE64", "random-bytes", "development-only", "the-AppSecret"];

pub(super) fn config(r: &mut Reader) -> Option<Config> {
    // First, since its values stand before the defaults.
    let school = r.school();
    let (profile, listen, mongodb, auth) = (profile(r), listen(r), mongodb(r), auth(r));
    let (wechat, github, campus) = (wechat(r), github(r), campus(r));
    let (fresh, storage) = (freshness(r), storage::storage(r));
    let term = school.as_deref().and_then(|school| term::read(r, school));
    let lessons = lessons::read(r);
    let (limits, spider) = (limits(r, profile), spider(r));
    let public_feeds = r.required("WEHPU_PUBLIC_FEEDS", classes);
    let retention = r.required("WEHPU_RETENTION", retention);
    let keep_changed_pages = r.required("WEHPU_KEEP_CHANGED_PAGES", on_or_off);
    let cache = r.required("WEHPU_CACHE", storage::bytes);
    let clock_offset = clock_offset(r, profile);
    // Other code reads these; their problems are reported here too.
    let _ = (legacy(r), log(r));
    let (school, term::Told(term), lessons) = (school?, term?, lessons?);
    if let Some(term) = &term {
        term::warn_of_swaps(r, &school, term);
    }
    Some(Config {
        profile: profile?,
        school: lessons::for_school(r, school, &lessons),
        listen: listen?,
        mongodb: mongodb?,
        auth: auth?,
        wechat: wechat?,
        github: github?,
        campus: campus?,
        fresh: fresh?,
        storage: storage?,
        term,
        limits: limits?,
        spider: spider?,
        public_feeds: public_feeds?,
        retention: retention?,
        keep_changed_pages: keep_changed_pages?,
        cache: cache?.unwrap_or(0),
        clock_offset,
        warnings: Vec::new(),
    })
}

/// Refuses well-formed settings that do not make sense, more of them in production than in development.
pub(super) fn check_profile(r: &mut Reader, config: &Config) {
    if config.retention.is_some_and(|kept| kept <= config.auth.jwt_ttl) {
        // A user logs in at the latest when the token expires.
        r.problem("WEHPU_RETENTION", "must be longer than WEHPU_JWT_TTL");
    }
    if config.profile == Profile::Dev {
        return;
    }
    if config.listen.public_url.is_none() {
        r.problem(
            "WEHPU_PUBLIC_URL",
            "is required in the prod profile: links must not follow what a caller sends as Host",
        );
    }
    if config.auth.jwt_secret.expose_secret().len() < MIN_JWT_SECRET {
        r.problem("WEHPU_JWT_SECRET", "is shorter than 32 bytes");
    }
    let secrets = [
        ("WEHPU_JWT_SECRET", &config.auth.jwt_secret),
        ("WEHPU_MONGODB_URI", &config.mongodb.uri),
        ("WEHPU_WECHAT_APP_SECRET", &config.wechat.app_secret),
    ];
    refuse_examples(r, &secrets);
    if config.auth.credential_keys.iter().any(|(id, key)| id.starts_with("dev") || key.windows(2).all(|w| w[0] == w[1]))
    {
        r.problem("WEHPU_CREDENTIAL_KEYS", "is an example or development key; make one with `openssl rand -base64 32`");
    }
    let addresses = [
        ("WEHPU_WECHAT_API_URL", &config.wechat.api_url),
        ("WEHPU_GITHUB_API_URL", &config.github.api_url),
        ("WEHPU_VPN_URL", &config.campus.vpn_url),
    ];
    refuse_plain_http(r, &addresses);
}

fn refuse_examples(r: &mut Reader, secrets: &[(&str, &SecretString)]) {
    for (name, value) in secrets {
        if EXAMPLE_MARKS.iter().any(|mark| value.expose_secret().contains(mark)) {
            r.problem(name, "is an example or development value; set your own");
        }
    }
}

fn refuse_plain_http(r: &mut Reader, addresses: &[(&str, &Url)]) {
    for (name, url) in addresses {
        if url.scheme() != "https" {
            r.problem(name, "must be https in the prod profile");
        }
    }
}

fn profile(r: &mut Reader) -> Option<Profile> {
    r.required("WEHPU_PROFILE", |v| match v {
        "dev" => Ok(Profile::Dev),
        "prod" => Ok(Profile::Prod),
        _ => Err("must be dev or prod".to_owned()),
    })
}

pub(super) fn admin_addr(r: &mut Reader) -> Option<SocketAddr> {
    r.required("WEHPU_ADMIN_ADDR", socket)
}

fn listen(r: &mut Reader) -> Option<Listen> {
    let bind = r.required("WEHPU_BIND_ADDR", socket);
    let admin = admin_addr(r);
    let engines = r.required("WEHPU_ENGINES_ADDR", socket);
    let public_url = r.optional("WEHPU_PUBLIC_URL", url);
    let trusted_proxies = r.optional("WEHPU_TRUSTED_PROXIES", |v| {
        let net = |part: &str| part.trim().parse().map_err(|_| "must be CIDRs joined by commas".to_owned());
        v.split(',').map(net).collect()
    });
    let trusted_proxies = trusted_proxies.unwrap_or_default();
    Some(Listen { bind: bind?, admin: admin?, engines: engines?, public_url, trusted_proxies })
}

pub(super) fn mongodb(r: &mut Reader) -> Option<Mongodb> {
    let uri = r.required("WEHPU_MONGODB_URI", mongodb_uri);
    let migrate_uri = r.optional("WEHPU_MIGRATE_MONGODB_URI", mongodb_uri);
    let spider_uri = r.optional("WEHPU_SPIDER_MONGODB_URI", mongodb_uri);
    Some(Mongodb { uri: uri?, migrate_uri, spider_uri })
}

pub(super) fn takeover(r: &mut Reader) -> Option<(Mongodb, Term)> {
    let _ = r.school();
    let (mongodb, term) = (mongodb(r), term::required(r, true));
    Some((mongodb?, term?))
}

pub(super) fn rekey(r: &mut Reader) -> Option<(Mongodb, Auth, Option<Legacy>)> {
    let (mongodb, auth, legacy) = (mongodb(r), auth(r), legacy(r));
    Some((mongodb?, auth?, legacy))
}

pub(super) fn school_pages(r: &mut Reader) -> Option<(Mongodb, CredentialKeys)> {
    let (mongodb, keys) = (mongodb(r), r.required("WEHPU_CREDENTIAL_KEYS", credential_keys));
    Some((mongodb?, keys?))
}

fn auth(r: &mut Reader) -> Option<Auth> {
    let jwt_secret = r.required("WEHPU_JWT_SECRET", |v| Ok(SecretString::from(v)));
    let jwt_ttl = r.required("WEHPU_JWT_TTL", positive_duration);
    let credential_keys = r.required("WEHPU_CREDENTIAL_KEYS", credential_keys);
    Some(Auth { jwt_secret: jwt_secret?, jwt_ttl: jwt_ttl?, credential_keys: credential_keys? })
}

fn legacy(r: &mut Reader) -> Option<Legacy> {
    let cipher = r.optional("WEHPU_LEGACY_CIPHER", |v| {
        LegacyCipher::from_name(v).ok_or_else(|| {
            "must be aes-128, aes-192 or aes-256 with -ctr, -cfb, -ofb or -cbc, or aes128, aes192, aes256 (CBC)"
                .to_owned()
        })
    });
    let secret = r.optional("WEHPU_LEGACY_SECRET", |v| Ok(SecretString::from(v)));
    match (cipher, secret) {
        (Some(cipher), Some(secret)) => Some(Legacy { cipher, secret }),
        (None, None) => None,
        _ => {
            r.problem(
                "WEHPU_LEGACY_SECRET",
                "WEHPU_LEGACY_CIPHER and WEHPU_LEGACY_SECRET belong together: set both or none",
            );
            None
        }
    }
}

fn wechat(r: &mut Reader) -> Option<Wechat> {
    let api_url = r.required("WEHPU_WECHAT_API_URL", url);
    let app_id = r.required("WEHPU_WECHAT_APP_ID", |v| Ok(v.to_owned()));
    let app_secret = r.required("WEHPU_WECHAT_APP_SECRET", |v| Ok(SecretString::from(v)));
    let templates = r.optional("WEHPU_WECHAT_TEMPLATES", templates);
    Some(Wechat {
        api_url: api_url?,
        app_id: app_id?,
        app_secret: app_secret?,
        templates: templates.unwrap_or_default(),
    })
}

fn github(r: &mut Reader) -> Option<Github> {
    let api_url = r.required("WEHPU_GITHUB_API_URL", url);
    let token = r.optional("WEHPU_GITHUB_TOKEN", |v| Ok(SecretString::from(v)));
    let repo = r.required("WEHPU_GITHUB_REPO", |v| match v.split_once('/') {
        Some((owner, name)) if !owner.is_empty() && !name.is_empty() && !name.contains('/') => Ok(v.to_owned()),
        _ => Err("must be owner/name".to_owned()),
    });
    let donation_issue = r.required("WEHPU_GITHUB_DONATION_ISSUE", number);
    let labels = r.required("WEHPU_GITHUB_LABELS", |v| {
        let labels: Vec<String> = v.split(',').map(|label| label.trim().to_owned()).collect();
        let sane = |label: &String| (1..=MAX_LABEL).contains(&label.chars().count());
        if labels.iter().all(sane) { Ok(labels) } else { Err("must be labels joined by commas".to_owned()) }
    });
    Some(Github { api_url: api_url?, token, repo: repo?, labels: labels?, donation_issue: donation_issue? })
}

fn campus(r: &mut Reader) -> Option<Campus> {
    let vpn_url = r.required("WEHPU_VPN_URL", url);
    let modulus = r.required("WEHPU_VPN_RSA_MODULUS", |v| {
        let bytes = hex::decode(v).map_err(|_| "must be hexadecimal".to_owned())?;
        if (128..=512).contains(&bytes.len()) { Ok(bytes) } else { Err("must have 1024 to 4096 bits".to_owned()) }
    });
    let exponent = r.required("WEHPU_VPN_RSA_EXPONENT", number);
    let urp_host = r.required("WEHPU_URP_HOST", host);
    let captcha_masks = r.optional("WEHPU_CAPTCHA_MASKS", |v| Ok(v.into()));
    let bulletin_host = r.required("WEHPU_BULLETIN_HOST", host);
    let bulletin_student = r.optional("WEHPU_BULLETIN_STUDENT_ID", |v| Ok(v.to_owned()));
    let bulletin_password = r.optional("WEHPU_BULLETIN_VPN_PASSWORD", |v| Ok(SecretString::from(v)));
    if bulletin_student.is_some() != bulletin_password.is_some() {
        r.problem(
            "WEHPU_BULLETIN_VPN_PASSWORD",
            "WEHPU_BULLETIN_STUDENT_ID and WEHPU_BULLETIN_VPN_PASSWORD belong together: set both or none",
        );
    }
    let library_url = r.required("WEHPU_LIBRARY_URL", url);
    let physical_url = r.required("WEHPU_PHYSICAL_URL", url);
    let repair_url = r.required("WEHPU_REPAIR_URL", url);
    let news_url = r.required("WEHPU_NEWS_URL", url);
    let logistics_url = r.required("WEHPU_LOGISTICS_URL", url);
    let ca_file = r.optional("WEHPU_CAMPUS_CA_FILE", |v| Ok(v.into()));
    let timeout = r.required("WEHPU_CAMPUS_TIMEOUT", |v| match positive_duration(v)? {
        d if d > MAX_CAMPUS_TIMEOUT => Err("must be at most 20s, below the limit of a request".to_owned()),
        d => Ok(d),
    });
    let concurrency = r.required("WEHPU_CAMPUS_CONCURRENCY", |v| match v.parse() {
        Ok(n @ 1..=4096) => Ok(n),
        _ => Err("must be a number from 1 to 4096".to_owned()),
    });
    Some(Campus {
        vpn_url: vpn_url?,
        vpn_key: RsaKey { modulus: modulus?, exponent: exponent? },
        urp_host: urp_host?,
        captcha_masks,
        bulletin_host: bulletin_host?,
        bulletin_account: bulletin_student.zip(bulletin_password),
        library_url: library_url?,
        physical_url: physical_url?,
        repair_url: repair_url?,
        news_url: news_url?,
        logistics_url: logistics_url?,
        ca_file,
        timeout: timeout?,
        concurrency: concurrency?,
    })
}

fn freshness(r: &mut Reader) -> Option<Freshness> {
    let mut read = |name: &str| r.required(name, duration);
    let (course, score, classroom) =
        (read("WEHPU_FRESH_COURSE"), read("WEHPU_FRESH_SCORE"), read("WEHPU_FRESH_CLASSROOM"));
    let (physical, borrowing, term) =
        (read("WEHPU_FRESH_PHYSICAL"), read("WEHPU_FRESH_BORROWING"), read("WEHPU_FRESH_TERM"));
    Some(Freshness {
        course: course?,
        score: score?,
        classroom: classroom?,
        physical: physical?,
        borrowing: borrowing?,
        term: term?,
    })
}

fn limits(r: &mut Reader, profile: Option<Profile>) -> Option<Limits> {
    let bind = rates(r, profile, "WEHPU_LIMIT_BIND");
    let (notify, upload) = (rates(r, profile, "WEHPU_LIMIT_NOTIFY"), rates(r, profile, "WEHPU_LIMIT_UPLOAD"));
    let mut one = |name| rates::<1>(r, profile, name).map(|[rate]| rate);
    let (feedback, repair, search) =
        (one("WEHPU_LIMIT_FEEDBACK"), one("WEHPU_LIMIT_REPAIR"), one("WEHPU_LIMIT_SEARCH"));
    let captcha = one("WEHPU_LIMIT_CAPTCHA");
    let (login, lookup, burst) = (one("WEHPU_LIMIT_LOGIN"), one("WEHPU_LIMIT_LOOKUP"), one("WEHPU_LIMIT_BURST"));
    let [per_account_and_number, per_account, strangers_per_number] = bind?;
    let [per_sender, per_receiver] = notify?;
    let [bound, unbound] = upload?;
    Some(Limits {
        bind: BindLimits { per_account_and_number, per_account, strangers_per_number },
        notify: NotifyLimits { per_sender, per_receiver },
        feedback: feedback?,
        upload: UploadLimits { bound, unbound },
        repair: repair?,
        search: search?,
        login: login?,
        lookup: lookup?,
        burst: burst?,
        captcha: captcha?,
    })
}

/// `N` rates joined by commas; all `None` for `off`.
fn rates<const N: usize>(r: &mut Reader, profile: Option<Profile>, name: &str) -> Option<[Option<Rate>; N]> {
    r.required(name, |v| match v {
        "off" if profile == Some(Profile::Prod) => Err("off is only for the dev profile".to_owned()),
        "off" => Ok([None; N]),
        _ => {
            let rates = v.split(',').map(|v| rate(v).map(Some)).collect::<Result<Vec<_>, _>>()?;
            rates.try_into().map_err(|_| {
                let meaning = variable(name).map(|v| v.doc).unwrap_or_default();
                format!("must be {N} of count/period, joined by commas, or off: {meaning}")
            })
        }
    })
}

/// How much the clock is wrong on purpose: zero, unless somebody tests that.
fn clock_offset(r: &mut Reader, profile: Option<Profile>) -> TimeDelta {
    const NAME: &str = "WEHPU_CLOCK_OFFSET";
    let offset = r.optional(NAME, |v| match profile {
        Some(Profile::Prod) => Err("is only for the dev profile: it makes the clock wrong".to_owned()),
        _ => offset(v),
    });
    if offset.is_some() {
        r.warn(NAME, "the clock of this engine is wrong on purpose");
    }
    offset.unwrap_or_default()
}

fn spider(r: &mut Reader) -> Option<Spider> {
    let news_list_path = r.required("WEHPU_NEWS_LIST_PATH", |v| {
        if v.starts_with('/') { Ok(v.to_owned()) } else { Err("must start with /".to_owned()) }
    });
    let mut cron = |name: &str| r.required(name, |v| v.parse().map_err(|error: BadSchedule| error.to_string()));
    let (news, logistics, bulletin) =
        (cron("WEHPU_SPIDER_NEWS"), cron("WEHPU_SPIDER_LOGISTICS"), cron("WEHPU_SPIDER_BULLETIN"));
    let concurrency = r.required("WEHPU_SPIDER_CONCURRENCY", |v| match v.parse() {
        Ok(n @ 1..=8) => Ok(n),
        _ => Err("must be a number from 1 to 8".to_owned()),
    });
    let pause = r.required("WEHPU_SPIDER_PAUSE", |v| match duration(v)? {
        d if d > MAX_SPIDER_PAUSE => Err("must be at most 1m".to_owned()),
        d => Ok(d),
    });
    let max_pages = r.required("WEHPU_SPIDER_MAX_PAGES", |v| match v.parse() {
        Ok(n @ 1..=100_000) => Ok(n),
        _ => Err("must be a number from 1 to 100000".to_owned()),
    });
    let stale = r.required("WEHPU_SPIDER_STALE", positive_duration);
    Some(Spider {
        news_list_path: news_list_path?,
        news: news?,
        logistics: logistics?,
        bulletin: bulletin?,
        concurrency: concurrency?,
        pause: pause?,
        max_pages: max_pages?,
        stale: stale?,
    })
}

pub(super) fn spider_config(r: &mut Reader) -> Option<SpiderConfig> {
    let school = r.school();
    let (profile, admin, campus) = (profile(r), admin_addr(r), campus(r));
    let has_own_user = r.get("WEHPU_SPIDER_MONGODB_URI").is_some();
    let uri = r.required(if has_own_user { "WEHPU_SPIDER_MONGODB_URI" } else { "WEHPU_MONGODB_URI" }, mongodb_uri);
    let public_url = r.optional("WEHPU_PUBLIC_URL", url);
    let (storage_url, spider) = (storage::address(r), spider(r));
    Some(SpiderConfig {
        profile: profile?,
        school: school?,
        admin: admin?,
        public_url,
        mongodb_uri: uri?,
        has_own_user,
        campus: campus?,
        storage_url: storage_url?,
        spider: spider?,
    })
}

/// Refuses well-formed settings that the spider cannot work with.
pub(super) fn check_spider(r: &mut Reader, config: &SpiderConfig) {
    if config.campus.bulletin_account.is_some() && config.public_url.is_none() {
        r.problem(
            "WEHPU_PUBLIC_URL",
            "is required with WEHPU_BULLETIN_STUDENT_ID: notices link to files of this service",
        );
    }
    if config.profile == Profile::Prod {
        let name = if config.has_own_user { "WEHPU_SPIDER_MONGODB_URI" } else { "WEHPU_MONGODB_URI" };
        refuse_examples(r, &[(name, &config.mongodb_uri)]);
        refuse_plain_http(r, &[("WEHPU_VPN_URL", &config.campus.vpn_url)]);
    }
}

pub(super) fn log(r: &mut Reader) -> Option<Log> {
    let filter = r.required("WEHPU_LOG", |v| match v.parse::<tracing_subscriber::filter::Targets>() {
        Ok(_) => Ok(v.to_owned()),
        Err(_) => {
            Err("must be a level (error, warn, info, debug, trace) or target=level pairs joined by commas".to_owned())
        }
    });
    let json = r.required("WEHPU_LOG_FORMAT", |v| match v {
        "json" => Ok(true),
        "text" => Ok(false),
        _ => Err("must be json or text".to_owned()),
    });
    Some(Log { filter: filter?, json: json? })
}

fn socket(v: &str) -> Result<SocketAddr, String> {
    v.parse().map_err(|_| "must be an IP address and a port".to_owned())
}

fn url(v: &str) -> Result<Url, String> {
    match Url::parse(v) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none() => Ok(url),
        _ => Err("must be an http or https address without a query".to_owned()),
    }
}

fn host(v: &str) -> Result<String, String> {
    match url::Host::parse(v) {
        Ok(_) => Ok(v.to_owned()),
        Err(_) => Err("must be a host name or an IP address".to_owned()),
    }
}

fn number(v: &str) -> Result<u64, String> {
    v.parse().map_err(|_| "must be a number".to_owned())
}

fn on_or_off(v: &str) -> Result<bool, String> {
    match v {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be on or off".to_owned()),
    }
}

fn duration(v: &str) -> Result<Duration, String> {
    humantime::parse_duration(v).map_err(|_| "must be a duration such as 30s, 5m, 24h or 7d".to_owned())
}

fn positive_duration(v: &str) -> Result<Duration, String> {
    match duration(v)? {
        d if d.is_zero() => Err("must be longer than 0s".to_owned()),
        d => Ok(d),
    }
}

/// A duration, with a minus sign for one backwards.
fn offset(v: &str) -> Result<TimeDelta, String> {
    let wrong = |_| "must be a duration such as 10m or -10m, at most 24h".to_owned();
    let (length, sign) = v.strip_prefix('-').map_or((v, 1), |length| (length, -1));
    match duration(length).map_err(wrong)? {
        length if length > MAX_CLOCK_OFFSET => Err(wrong(String::new())),
        length => Ok(TimeDelta::from_std(length).unwrap_or_default() * sign),
    }
}

fn rate(v: &str) -> Result<Rate, String> {
    let wrong = || "must be count/period such as 5/1h".to_owned();
    let (count, period) = v.trim().split_once('/').ok_or_else(wrong)?;
    let count = count.parse().map_err(|_| wrong())?;
    Ok(Rate { count, period: positive_duration(period)? })
}

fn retention(v: &str) -> Result<Option<Duration>, String> {
    if v == "off" {
        return Ok(None);
    }
    match duration(v)? {
        d if d < MIN_RETENTION => Err("must be at least 90d, or off".to_owned()),
        d => Ok(Some(d)),
    }
}

/// Classes of articles by their names; `none` for none.
fn classes(v: &str) -> Result<Vec<Class>, String> {
    if v == "none" {
        return Ok(Vec::new());
    }
    let classes = v.split(',').map(|name| Class::from_name(name.trim())).collect::<Option<Vec<_>>>();
    classes.ok_or_else(|| format!("must be none, or some of {}, joined by commas", CLASSES.map(Class::name).join(", ")))
}

fn mongodb_uri(v: &str) -> Result<SecretString, String> {
    let parsed =
        mongodb::options::ConnectionString::parse(v).map_err(|_| "is not a MongoDB connection string".to_owned())?;
    if parsed.default_database.is_none() {
        return Err("names no database (…/wehpu?…)".to_owned());
    }
    if parsed.replica_set.is_none() {
        return Err("names no replicaSet".to_owned());
    }
    Ok(v.into())
}

fn credential_keys(v: &str) -> Result<CredentialKeys, String> {
    let one = |part: &str| {
        let (id, key) = part.trim().split_once(':').ok_or("must be id:base64 pairs joined by commas")?;
        if id.is_empty() || id.len() > 16 || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err("has a key id that is not 1 to 16 letters and digits");
        }
        let bytes = BASE64_STANDARD.decode(key).map_err(|_| "has a key that is not base64")?;
        Ok((id.to_owned(), bytes.try_into().map_err(|_| "has a key that is not 32 bytes")?))
    };
    let keys = v.split(',').map(one).collect::<Result<CredentialKeys, _>>()?;
    let mut ids: Vec<&str> = keys.iter().map(|(id, _)| id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() == keys.len() { Ok(keys) } else { Err("names a key id twice".to_owned()) }
}

fn templates(v: &str) -> Result<Vec<Template>, String> {
    let one = |part: &str| {
        let (client_id, rest) = part.trim().split_once('=')?;
        let (template_id, fields) = rest.split_once(':')?;
        let fields: Vec<String> = fields.split(',').map(|f| f.trim().to_owned()).collect();
        let complete = !client_id.is_empty() && !template_id.is_empty() && fields.iter().all(|f| !f.is_empty());
        complete.then(|| Template { client_id: client_id.to_owned(), template_id: template_id.to_owned(), fields })
    };
    v.split(';').map(one).collect::<Option<_>>().ok_or_else(|| "must be CLIENT_ID=TEMPLATE_ID:field,field…".to_owned())
}
