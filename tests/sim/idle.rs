//! Keeping quiet.

use super::forged::{announcement, octets, stranger};
use super::run::{Run, millis, secs};

#[test]
fn an_idle_host_sends_at_most_a_datagram_in_ten_seconds() {
    let mut run = Run::new(1);
    let all = run.crowd(20);
    run.run_for(secs(60));
    run.forget_frames();
    run.run_for(secs(600));
    for id in all {
        let address = run.address(id);
        let sent = run.frames().iter().filter(|f| f.from == address).count();
        assert!(sent as f64 / 600.0 <= 0.1, "{sent} datagrams in 600 s");
        assert!(sent >= 18, "it still announces itself: {sent}");
    }
}

#[test]
fn five_hundred_announcements_of_a_stranger_get_one_to_five_answers() {
    for (name, more) in [("older", vec![]), ("ours", vec![("SID", octets(9)), ("CAP", "bye".to_owned())])] {
        let (mut run, a, _) = Run::pair(2);
        run.forget_frames();
        let more: Vec<(&str, &str)> = more.iter().map(|(key, value)| (*key, value.as_str())).collect();
        for _ in 0..500 {
            run.inject_everywhere(stranger(), &announcement("new@10.0.200.7", 8500, &more));
            run.run_for(millis(2));
        }
        run.run_for(secs(10));
        let address = run.address(a);
        let answers = run.frames().iter().filter(|f| f.to == stranger() && f.from == address).count();
        assert!((1..=5).contains(&answers), "{answers} answers to the {name} stranger");
    }
}

#[test]
fn a_stranger_with_ever_new_numbers_is_answered_once_a_second() {
    let (mut run, a, _) = Run::pair(3);
    run.forget_frames();
    for n in 0..500 {
        let sid = octets(n);
        run.inject_everywhere(stranger(), &announcement("new@10.0.200.7", 8500, &[("SID", &sid), ("CAP", "bye")]));
        run.run_for(millis(20));
    }
    let address = run.address(a);
    let answers = run.frames().iter().filter(|f| f.to == stranger() && f.from == address).count();
    assert!(answers <= 40, "{answers} answers in 10 s");
}
