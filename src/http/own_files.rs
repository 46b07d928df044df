//! Addresses of pictures in requests: only those that this service gave to the caller.

use std::sync::Arc;

use url::Url;

use crate::{
    app::{App, AppState},
    error::ApiError,
    objects::FileName,
    public_url,
    store::eventually,
};

/// The items of a list joined by commas, without empty ones.
pub fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split([',', '，']).map(str::trim).filter(|item| !item.is_empty())
}

/// The picture of this service that `address` names. `base` is the public base of this service; without one, which host is
/// ours is not known and only the path counts.
#[must_use]
pub fn picture_at(address: &str, base: Option<&Url>) -> Option<FileName> {
    let url = Url::parse(address).ok()?;
    let (folder, name) = url.path().rsplit_once('/')?;
    let name = FileName::parse(name).filter(|name| name.kind.is_image())?;
    let own = match base {
        Some(base) => public_url::below(base, &["files", &name.to_string()]) == url,
        None => folder.ends_with("/files"),
    };
    own.then_some(name)
}

/// Checks that all of `names` are uploads of this account, and keeps them from expiring for now. `parameter` is the one that
/// named them.
///
/// # Errors
/// [`ApiError::BadRequest`] when one is not, [`ApiError::DatabaseUnavailable`].
pub async fn check(app: &App, open_id: &str, names: &[FileName], parameter: &str) -> Result<(), ApiError> {
    if names.is_empty() || app.objects.are_own(open_id, names).await? { Ok(()) } else { Err(not_own(parameter)) }
}

/// What is said of an address that is not the caller's.
#[must_use]
pub fn not_own(parameter: &str) -> ApiError {
    ApiError::BadRequest(format!("参数 {parameter} 只能是本帐号上传得到的图片地址"))
}

/// Notes that something which exists by now refers to `names`; in the background when that cannot be done at once.
pub async fn keep(app: &AppState, names: &[FileName]) {
    if names.is_empty() {
        return;
    }
    let names: Arc<[FileName]> = names.into();
    let worker = app.clone();
    let note = move || {
        let (worker, names) = (worker.clone(), Arc::clone(&names));
        async move { worker.objects.keep(&names).await }
    };
    if note().await.is_err() {
        app.tasks.spawn(eventually("note what refers to a file: it expires after 180 days", note));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "0123456789abcdef0123456789abcdef.png";

    #[test]
    fn pictures_are_taken_from_this_service_only() {
        let public = Url::parse("https://wehpu.example/app").unwrap();
        let own = format!("https://wehpu.example/app/files/{NAME}");
        assert_eq!(picture_at(&own, Some(&public)).unwrap().to_string(), NAME);
        for address in [
            own.replace("wehpu.example", "evil.example"),
            own.replace("https", "http"),
            own.replace("example", "example:444"),
            own.replace("wehpu.example", "wehpu.example@evil.example"),
            own.replace("wehpu", "user@wehpu"),
            own.replace("files/", "files/x/"),
            own.replace("/app", ""),
            own.replace("png", "zip"),
            own.replace(NAME, "@torvalds"),
            format!("{own}?x=1"),
            format!("{own}#@torvalds"),
            "javascript:alert(1)".to_owned(),
            NAME.to_owned(),
        ] {
            assert!(picture_at(&address, Some(&public)).is_none(), "{address}");
        }
    }

    #[test]
    fn without_a_public_address_only_the_path_counts() {
        assert!(picture_at(&format!("http://evil.example/files/{NAME}"), None).is_some());
        assert!(picture_at("http://evil.example/files/x.png", None).is_none());
        assert!(picture_at(&format!("http://evil.example/other/{NAME}"), None).is_none());
    }

    #[test]
    fn a_list_is_joined_by_commas_of_either_width() {
        assert_eq!(items("a, b，c,,").collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(items("").count(), 0);
    }
}
