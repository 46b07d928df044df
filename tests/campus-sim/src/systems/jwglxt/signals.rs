//! Pages that come in place of data.

use crate::page::Escaped;

/// The page for what cannot be done.
pub(super) fn error(text: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html><head><title>错误提示</title></head>\n<body>\n<div class=\"container\">\n\
         <p class=\"error_title\">{}</p>\n</div>\n</body></html>\n",
        Escaped(text)
    )
}
