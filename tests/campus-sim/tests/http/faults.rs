use std::time::{Duration, Instant};

use campus_sim::{Fault, System};

use crate::support::{Browser, gbk, start};

const COURSE: &str = "xkAction.do?actionType=6";

#[tokio::test]
async fn a_slow_system_answers_after_the_wait() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    sim.set_fault(System::Urp, Fault::slow(Duration::from_millis(120)));
    let asked = Instant::now();
    assert!(gbk(browser.get(COURSE).await).await.contains("选课结果"));
    assert!(asked.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn a_hanging_system_holds_the_request_until_the_client_goes() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    sim.reset_counts();
    sim.set_fault(System::Urp, Fault::hang());
    let hanging = browser.client.get(browser.inner(COURSE)).send();
    tokio::select! {
        answer = hanging => panic!("it answered: {answer:?}"),
        () = sim.wait_for("urp.course", 1) => {}
    }
    sim.clear_faults();
    assert!(gbk(browser.get(COURSE).await).await.contains("选课结果"));
}

#[tokio::test]
async fn a_system_that_holds_a_request_answers_it_when_the_fault_is_cleared() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    sim.reset_counts();
    sim.set_fault(System::Urp, Fault::hold().on("course"));
    let mut held = std::pin::pin!(browser.get(COURSE));
    tokio::select! {
        answer = &mut held => panic!("it answered: {answer:?}"),
        () = sim.wait_for("urp.course", 1) => {}
    }
    sim.clear_faults();
    assert!(gbk(held.await).await.contains("选课结果"));
}

#[tokio::test]
async fn a_dropped_connection_brings_no_answer() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    sim.set_fault(System::Urp, Fault::dropped().times(1));
    let error = browser.client.get(browser.inner(COURSE)).send().await.unwrap_err();
    assert!(!error.is_timeout() && error.status().is_none(), "{error:?}");
    assert!(gbk(browser.get(COURSE).await).await.contains("选课结果"));
}

#[tokio::test]
async fn errors_garbage_and_maintenance_come_in_place_of_the_page() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    sim.set_fault(System::Urp, Fault::server_error().times(1));
    assert_eq!(browser.get(COURSE).await.status(), 500);

    sim.set_fault(System::Urp, Fault::maintenance().times(1));
    assert!(gbk(browser.get(COURSE).await).await.contains("系统维护中"));

    sim.set_fault(System::Urp, Fault::garbage().times(1));
    let response = browser.get(COURSE).await;
    assert_eq!(response.status(), 200);
    assert!(std::str::from_utf8(&response.bytes().await.unwrap()).is_err());
}

#[tokio::test]
async fn a_fault_of_the_academic_system_leaves_the_vpn_alone_and_one_of_the_vpn_covers_both() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    let service = format!("{}/por/service.csp", browser.vpn);
    sim.set_fault(System::Urp, Fault::server_error());
    assert_eq!(browser.client.get(&service).send().await.unwrap().status(), 200);
    assert_eq!(browser.get(COURSE).await.status(), 500);
    sim.clear_faults();
    sim.reset_counts();

    sim.set_fault(System::Vpn, Fault::server_error());
    assert_eq!(browser.client.get(&service).send().await.unwrap().status(), 500);
    assert_eq!(browser.get(COURSE).await.status(), 500);
    assert_eq!((sim.count_of("vpn.relay"), sim.count(System::Urp)), (1, 0), "it never got through");
}

#[tokio::test]
async fn the_peak_tells_how_many_requests_were_under_way_together() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    assert_eq!(sim.peak(System::Urp), 1);
    sim.reset_counts();
    sim.set_fault(System::Urp, Fault::hang());
    let mut asks = tokio::task::JoinSet::new();
    for _ in 0..5 {
        asks.spawn(browser.client.get(browser.inner(COURSE)).send());
    }
    sim.wait_for("urp.course", 5).await;
    assert_eq!(sim.peak(System::Urp), 5);
}

#[tokio::test]
async fn a_stopped_simulator_refuses_connections() {
    let sim = start().await;
    let browser = Browser::new(&sim);
    let url = format!("{}/_sim/healthz", sim.base_url());
    assert_eq!(browser.client.get(&url).send().await.unwrap().status(), 200);
    sim.stop().await;
    assert!(browser.client.get(&url).send().await.unwrap_err().is_connect());
}
