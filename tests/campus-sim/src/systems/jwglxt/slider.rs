//! The slider: a piece is moved to its gap in a picture, and the way it took is sent.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::json;

use super::{COOKIE, png};
use crate::call::{Call, Fields};
use crate::gate::Refused;
use crate::page;
use crate::rng::Rng;
use crate::sessions::cookie;
use crate::sim::Sim;
use crate::system::{Kind, Operation, System};

const SCRIPT: Operation = Operation::new(System::Jwglxt, "slider_script", Kind::Open);
const REFRESH: Operation = Operation::new(System::Jwglxt, "slider_refresh", Kind::Open);
const IMAGE: Operation = Operation::new(System::Jwglxt, "slider_image", Kind::Open);
const VERIFY: Operation = Operation::new(System::Jwglxt, "slider_verify", Kind::Open);

/// Size of the picture, in pixels; the piece is as high, and as wide as it is itself.
const WIDTH: u32 = 320;
const HEIGHT: u32 = 160;
const PIECE: u32 = 46;

/// How far from its gap the piece may end, in pixels.
const NEAR: u64 = 5;

/// The slider of one session.
#[derive(Debug)]
pub(super) struct Slider {
    /// Stands in the script.
    key: String,
    /// Ids of background and piece, and the token that goes with them; empty before the first picture.
    background: String,
    piece: String,
    token: String,
    /// Where the gap is.
    gap: (u32, u32),
    verified: bool,
}

/// A point of the way, in pixels of the screen.
#[derive(Debug, Deserialize)]
struct Point {
    x: i64,
    #[serde(rename = "y")]
    _y: i64,
    #[serde(rename = "t")]
    _t: i64,
}

impl Slider {
    fn new() -> Self {
        let digits = Rng::unrepeatable().hex(32);
        Self {
            key: format!(
                "{}-{}-{}-{}-{}",
                &digits[..8],
                &digits[8..12],
                &digits[12..16],
                &digits[16..20],
                &digits[20..]
            ),
            background: String::new(),
            piece: String::new(),
            token: String::new(),
            gap: (0, 0),
            verified: false,
        }
    }

    /// Another picture.
    fn refresh(&mut self) {
        let mut rng = Rng::unrepeatable();
        (self.background, self.piece, self.token) = (rng.hex(32), rng.hex(32), rng.hex(32));
        self.gap = (rng.between(PIECE + 20, WIDTH - PIECE - 4), rng.between(4, HEIGHT - PIECE - 4));
        self.verified = false;
    }

    /// How far the piece must be moved, in pixels.
    pub(super) fn distance(&self) -> u32 {
        self.gap.0
    }

    pub(super) fn is_verified(&self) -> bool {
        self.verified
    }

    /// Looks at the way that the piece took.
    fn verify(&mut self, way: &str) -> bool {
        let points = BASE64_STANDARD.decode(way).ok().and_then(|way| serde_json::from_slice::<Vec<Point>>(&way).ok());
        let moved = points.as_deref().and_then(|points| points.last()?.x.checked_sub(points.first()?.x));
        // A picture is good for one try.
        let shown = !std::mem::take(&mut self.token).is_empty();
        self.verified = shown && moved.is_some_and(|moved| moved.abs_diff(i64::from(self.gap.0)) <= NEAR);
        self.verified
    }

    fn image(&self, id: &str) -> Option<Vec<u8>> {
        let (left, top) = self.gap;
        let inside = |x: u32, y: u32, left: u32| (left..left + PIECE).contains(&x) && (top..top + PIECE).contains(&y);
        let ground = |x: u32, y: u32| [shade(x / 2), shade(y + 80), shade((x + y) / 3), 255];
        if id == self.background {
            Some(png::encode(WIDTH, HEIGHT, |x, y| if inside(x, y, left) { [40, 40, 40, 255] } else { ground(x, y) }))
        } else if id == self.piece {
            Some(png::encode(PIECE, HEIGHT, |x, y| if inside(x, y, 0) { ground(x + left, y) } else { [0; 4] }))
        } else {
            None
        }
    }
}

/// A colour's strength.
fn shade(strength: u32) -> u8 {
    u8::try_from(strength).unwrap_or(u8::MAX)
}

fn now_millis() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(0)
}

pub(super) async fn answer(sim: &Sim, call: &Call, form: &Fields) -> Result<Response, Refused> {
    let fields = if call.method == "POST" { form } else { &call.query };
    if fields.get("instanceId") != "zfcaptchaLogin" {
        return Ok(sim.unexpected(call, "the slider is asked for by its instanceId"));
    }
    let sessions = &sim.systems().jwglxt.sessions;
    let id = cookie(&call.headers, COOKIE).unwrap_or_default();
    match (call.method.as_str(), fields.get("type")) {
        ("GET", "resource") => {
            let _visit = sim.admit(SCRIPT, &call.wire).await?;
            let slider = Slider::new();
            let script =
                format!("(function(){{var options={{rtk:'{}',instanceId:'zfcaptchaLogin'}};}})();\n", slider.key);
            sessions.with(id, |session| session.slider = Some(slider));
            Ok(page::bytes("application/javascript;charset=UTF-8", script))
        }
        ("GET", "refresh") => {
            let _visit = sim.admit(REFRESH, &call.wire).await?;
            let fresh = sessions.with(id, |session| {
                let slider = session.slider.as_mut().filter(|slider| slider.key == fields.get("rtk"))?;
                slider.refresh();
                Some(json!({
                    "msg": "", "t": now_millis(), "si": slider.background, "imtk": slider.token, "mi": slider.piece,
                    "vs": "not_verify", "status": "success",
                }))
            });
            Ok(super::json(&fresh.flatten().unwrap_or_else(|| json!({"msg": "error", "status": "fail"}))))
        }
        ("GET", "image") => {
            let _visit = sim.admit(IMAGE, &call.wire).await?;
            let image = sessions.with(id, |session| {
                let slider = session.slider.as_ref().filter(|slider| slider.token == fields.get("imtk"))?;
                slider.image(fields.get("id"))
            });
            Ok(image.flatten().map_or_else(page::server_error, |image| page::bytes("image/png", image)))
        }
        ("POST", "verify") => {
            let _visit = sim.admit(VERIFY, &call.wire).await?;
            let right = sessions.with(id, |session| {
                let slider = session.slider.as_mut().filter(|slider| slider.key == fields.get("rtk"));
                slider.is_some_and(|slider| !fields.get("extend").is_empty() && slider.verify(fields.get("mt")))
            });
            let (outcome, state, status) = match right {
                Some(true) => ("slider.ok", "verified", "success"),
                _ => ("slider.refused", "not_verify", "fail"),
            };
            sim.counter().outcome(System::Jwglxt, outcome);
            Ok(super::json(&json!({"msg": "", "vs": state, "status": status})))
        }
        _ => Ok(sim.unexpected(call, "the slider has no such part")),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;

    use super::Slider;

    #[test]
    fn a_way_that_ends_at_the_gap_is_right_once_for_each_picture() {
        let mut slider = Slider::new();
        let way = |distance: u32| {
            let points = serde_json::json!([{"x": 630, "y": 485, "t": 1}, {"x": 630 + distance, "y": 486, "t": 900}]);
            BASE64_STANDARD.encode(points.to_string())
        };
        assert!(!slider.verify(&way(0)), "there was no picture");
        slider.refresh();
        assert!(!slider.verify(&way(slider.distance() + 20)));
        assert!(!slider.verify(&way(slider.distance())), "the picture is used up");
        slider.refresh();
        assert!(slider.verify(&way(slider.distance() + 2)) && slider.is_verified());
        assert!(!slider.verify("no way"));
    }

    #[test]
    fn background_and_piece_are_pictures() {
        let mut slider = Slider::new();
        slider.refresh();
        let (background, piece) = (slider.background.clone(), slider.piece.clone());
        assert!(slider.image(&background).is_some_and(|image| image.starts_with(b"\x89PNG")));
        assert!(slider.image(&piece).is_some());
        assert_eq!(slider.image("other"), None);
    }
}
