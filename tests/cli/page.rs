//! The page: the way in, the browser, links, and what the API asks of the program.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::MetadataExt;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::SOON;
use crate::world::World;

/// A key that nobody has.
const KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";

/// The answer to a request, and its status.
fn asked(port: u16, head: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = body.len();
    write!(
        stream,
        "{head}\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

/// Asks the API of the peer of this profile.
fn api(world: &World, profile: &str, request: &str, body: &str) -> (u16, Value) {
    let file = fs::read_to_string(world.folder.join(format!("state/lsnp/{profile}/api.toml"))).unwrap();
    let of = |key: &str| {
        let line = file.lines().find_map(|line| line.strip_prefix(&format!("{key} = ")));
        line.unwrap().trim_matches('"').to_owned()
    };
    let head = format!("{request} HTTP/1.1\r\nX-Peer-Token: {}", of("token"));
    let (status, body) = asked(of("port").parse().unwrap(), &head, body);
    (status, serde_json::from_str(&body).unwrap())
}

/// Port and code of an address.
#[track_caller]
fn way(url: &str) -> (u16, String) {
    let (port, code) = url.strip_prefix("http://127.0.0.1:").unwrap().split_once("/#enter=").unwrap();
    assert_eq!(code.len(), 43, "{url}");
    (port.parse().unwrap(), code.to_owned())
}

fn enters(port: u16, code: &str) -> (u16, Value) {
    let (status, body) = asked(port, "POST /api/enter HTTP/1.1", &json!({ "code": code }).to_string());
    (status, serde_json::from_str(&body).unwrap())
}

#[test]
fn the_address_of_a_running_peer_works_once() {
    let world = World::new();
    let _work = world.daemon("work");
    let printed = world.ran(&["--profile", "work", "web", "--print"], b"");
    assert_eq!((printed.status, printed.error.as_str(), printed.out.lines().count()), (Some(0), "", 1), "{printed:?}");
    let (port, code) = way(printed.out.trim_end());
    let (status, entered) = enters(port, &code);
    assert_eq!(status, 200, "{entered}");
    let token = entered["token"].as_str().unwrap();
    let head = format!("GET /api/status HTTP/1.1\r\nX-Peer-Token: {token}");
    let (status, body) = asked(port, &head, "");
    assert!(status == 200 && body.contains("\"profile\":\"work\""), "{body}");
    assert_ne!(enters(port, &code).0, 200, "a second time");
    // All browsers are put out, whether a peer runs or not.
    for profile in ["work", "idle"] {
        let ran = world.ran(&["--profile", profile, "web", "--lock"], b"");
        assert_eq!((ran.status, ran.error.as_str()), (Some(0), ""), "{ran:?}");
        assert!(ran.out.starts_with("No browser is in any more"), "{ran:?}");
    }
    assert_eq!(asked(port, &head, "").0, 401);
    // Without a desktop and at no terminal it is the same without the option.
    way(world.ran(&["--profile", "work", "web"], b"").out.trim_end());
}

#[test]
fn where_no_peer_runs_one_does_until_it_is_stopped() {
    let world = World::new();
    let mut jack = world.piped_with(&["--name", "jack", "web"]);
    jack.shows("http://127.0.0.1:");
    let (port, code) = way(&format!("http://127.0.0.1:{}", jack.shows("\n")));
    assert_eq!(enters(port, &code).0, 200);
    assert_eq!(world.ran(&["status"], b"").status, Some(0));
    // A second one opens the page of the first.
    assert_eq!(way(world.ran(&["web", "--print"], b"").out.trim_end()).0, port);
    jack.signals(Signal::INT);
    let (status, text) = jack.ends_within(SOON);
    assert_eq!((status, text.lines().count()), (Some(0), 1), "{text}");
    assert_eq!(world.ran(&["status"], b"").status, Some(3));

    let mut kept = world.at_terminal(&["--temporary", "--name", "eve", "web"]);
    kept.shows("The page: http://127.0.0.1:");
    kept.shows(" (works once, for 10 minutes)");
    kept.shows("No peer ran, so one does now, until Ctrl-C");
    kept.signals(Signal::INT);
    assert_eq!(kept.ends_within(SOON).0, Some(0));
}

#[test]
fn what_is_kept_in_a_journal_holds_no_address() {
    let world = World::new();
    let _work = world.daemon("work");
    let file = world.folder.join("journal");
    let journal = fs::File::create(&file).unwrap();
    let found = journal.metadata().unwrap();
    let mut command = world.command(&["--profile", "work", "web"]);
    command.env("JOURNAL_STREAM", format!("{}:{}", found.dev(), found.ino())).stdout(journal);
    assert_eq!(command.status().unwrap().code(), Some(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), "The page: run `peer web`\n");
    // The variable of somebody else's journal says nothing.
    let printed = world.ran_with(&["--profile", "work", "web"], b"", &[("JOURNAL_STREAM", "1:2")]);
    way(printed.out.trim_end());
}

/// A browser that writes down its arguments, and what it could tell others.
fn browser(world: &World) {
    world.pipe("shown");
    world.program("my-browser", "{ for arg in \"$@\"; do echo \"$arg\"; done; echo \"secret=$PEER_SECRET\"; } > shown");
}

#[test]
fn a_browser_gets_the_address_as_one_argument_and_no_secrets() {
    let world = World::new();
    browser(&world);
    let variables = [("BROWSER", "no-such-browser:my-browser --new"), ("PEER_SECRET", "open sesame")];
    let run = |args: &[&str]| {
        let mut command = world.command(args);
        command.envs(variables).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
        command.spawn().unwrap()
    };
    let mut jack = run(&["--name", "jack", "run"]);
    while world.ran_with(&["status"], b"", &variables).status != Some(0) {
        std::thread::yield_now();
    }
    // These open none; the next one does.
    for option in ["--print", "--no-open"] {
        way(world.ran_with(&["web", option], b"", &variables).out.trim_end());
    }
    let mut web = run(&["web"]);
    let shown = world.comes_through("shown");
    let mut printed = String::new();
    web.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    assert_eq!(web.wait().unwrap().code(), Some(0));
    assert_eq!(shown, format!("--new\n{printed}secret=\n"));
    way(printed.trim_end());

    // A link is a place in the page, and nothing in it is anything else.
    let link = format!("peer://connect/{KEY}?name=%22%3Btouch%20hit%3B%24(touch%20hit)&at=10.255.255.1%3A9000");
    let link = link.replace('(', "%28").replace(')', "%29");
    let mut open = run(&["open", &link]);
    let shown = world.comes_through("shown");
    assert_eq!(open.wait().unwrap().code(), Some(0));
    let (address, to) = shown.lines().nth(1).unwrap().split_once("&to=").unwrap();
    way(address);
    assert!(to.starts_with(&format!("%2Fconnect%2Fpeer%253A%252F%252Fconnect%252F{KEY}%253Fname%253D")), "{to}");
    assert!(to.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"%-._".contains(&byte)), "{to}");
    assert!(!world.folder.join("hit").exists());
    jack.kill().unwrap();
    jack.wait().unwrap();
}

#[test]
fn what_is_no_link_is_refused_and_never_shown_again() {
    let world = World::new();
    let _jack = world.daemon("jack");
    let long = format!("peer://connect/{KEY}?name={}", "x".repeat(500));
    for link in [
        "--help",
        "--profile=other",
        "",
        "javascript:alert(1)",
        "http://127.0.0.1/",
        "peer://connect/",
        "peer://other/x",
        "peer:connect/x",
        "$(touch hit)",
        "`touch hit`",
        "%u",
        "\u{1b}]0;title\u{7}\u{1b}[2J",
        "peer://connect/\u{202e}x@10.0.0.1",
        "peer://connect/x@10.0.0.1?at=0.0.0.0:9000",
        "peer://connect/x@10.0.0.1?at=10.0.0.1:80",
        "peer://connect/x@10.0.0.1\nExec=evil",
        &long,
    ] {
        let ran = world.ran_with(&["open", "--", link], b"", &[("BROWSER", "false")]);
        assert_eq!((ran.status, ran.out.as_str(), ran.error.lines().count()), (Some(2), "", 1), "{link:?}: {ran:?}");
        assert!(ran.error.contains("link") && !ran.error.contains(['\u{1b}', '\u{202e}', '$', '`']), "{ran:?}");
    }
    // Without `--`, too, it is an option of nothing.
    assert_eq!(world.ran(&["open", "--print"], b"").status, Some(2));
    assert!(!world.folder.join("hit").exists());
}

#[test]
fn a_start_with_web_tells_the_address_and_so_does_the_prompt() {
    let world = World::new();
    let mut jack = world.piped_with(&["--name", "jack", "--web"]);
    jack.shows("INFO\t\t\tThe page: ");
    let first = way(&jack.shows(" (works once, for 10 minutes)\n"));
    jack.types("web");
    jack.shows("INFO\t\t\tThe page: ");
    let second = way(&jack.shows(" (works once"));
    assert!(first.0 == second.0 && first.1 != second.1);
    assert_eq!((enters(first.0, &first.1).0, enters(first.0, &second.1).0), (200, 200));
    jack.hangs_up();
    assert_eq!(jack.ends_within(SOON).0, Some(0));

    let mut eve = world.piped_with(&["--temporary", "--name", "eve"]);
    eve.types("WEB");
    eve.shows("ERROR\t\t\tA peer that keeps nothing has no page");
    let mut eve = world.piped_with(&["--temporary", "--name", "eve", "--web"]);
    eve.shows("INFO\t\t\tThe page: ");
    let (port, code) = way(&eve.shows(" (works once"));
    assert_eq!(enters(port, &code).0, 200);
}

#[test]
fn a_setting_that_is_changed_keeps_what_the_user_wrote() {
    let world = World::new();
    let file = world.folder.join("config/lsnp/profiles/work.toml");
    let jack = world.daemon("work");
    let change = |key: &str, values: Value| {
        api(&world, "work", "PATCH /api/settings", &json!({ "key": key, "values": values }).to_string())
    };
    let (status, made) = change("heartbeat", json!(["20s"]));
    assert!(status == 200 && made["file"] == file.to_str().unwrap(), "{made}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "heartbeat = \"20s\"\n");

    let text = "# mine\nheartbeat = '5s' # quick\n\npeer = ['a'] # who\n";
    fs::write(&file, text).unwrap();
    let (status, changed) = change("heartbeat", json!(["7s"]));
    assert_eq!((status, changed["type"].as_str()), (200, Some("settings")), "{changed}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text.replace("'5s'", "\"7s\""));
    let of = |key: &str| changed["settings"].as_array().unwrap().iter().find(|it| it["key"] == key).unwrap().clone();
    // It holds from the next start on.
    assert_eq!(of("heartbeat")["in_file"], json!(["7s"]));
    assert_eq!(
        (of("heartbeat")["values"].clone(), of("heartbeat")["source"].clone()),
        (json!(["30s"]), json!("default"))
    );
    assert_eq!((of("name")["values"].clone(), of("name")["source"].clone()), (json!(["work"]), json!("option")));
    assert_eq!(of("notify")["source"], "environment");
    assert!(world.ran(&["--profile", "work", "config", "show"], b"").out.contains("heartbeat = \"7s\""));

    let before = fs::read_to_string(&file).unwrap();
    for (key, values) in [
        ("heartbeat", json!(["500s"])),
        ("heartbeat", json!(["7s", "8s"])),
        ("heartbeet", json!(["7s"])),
        ("profile", json!(["other"])),
        ("expiry", json!(["3s"])),
        ("secret-file", json!(["/nowhere"])),
        ("peer\" = 1\n#", json!(["x"])),
    ] {
        let (status, refused) = change(key, values);
        assert!(status >= 400 && refused["type"] == "error", "{key}: {refused}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    assert_eq!(change("peer", Value::Null).0, 200);
    assert_eq!(fs::read_to_string(&file).unwrap(), before.replace("peer = ['a'] # who", "# who"));

    fs::write(&file, "heartbeat = 5 s\n").unwrap();
    let (status, broken) = change("name", json!(["x"]));
    assert!(status >= 400 && broken["message"].as_str().unwrap().contains("line 1"), "{broken}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "heartbeat = 5 s\n");
    let others: Vec<_> = fs::read_dir(file.parent().unwrap()).unwrap().collect();
    assert_eq!(others.len(), 1, "no remains");
    drop(jack);
}

/// What was found, without what differs from one look to the next.
fn lasting(report: &Value) -> Vec<String> {
    let plain = |text: &Value| {
        let words = text.as_str().unwrap().split(' ').map(|word| if word.parse::<f64>().is_ok() { "N" } else { word });
        words.collect::<Vec<_>>().join(" ")
    };
    let check = |check: &Value| {
        let of = |field: &str| plain(&check[field]);
        format!("{} | {} | {} | {} | {}", of("name"), of("subject"), of("verdict"), of("text"), check["advice"])
    };
    report["checks"].as_array().unwrap().iter().map(check).collect()
}

#[test]
fn the_doctor_of_the_api_finds_what_the_command_finds() {
    let world = World::new();
    let _jack = world.daemon("jack");
    let (status, found) = api(&world, "jack", "GET /api/doctor", "");
    assert_eq!(status, 200, "{found}");
    let ran = world.ran(&["doctor", "--json"], b"");
    let told = ran.objects().remove(0);
    assert_eq!(lasting(&found), lasting(&told));
    for field in ["healthy", "cause", "advice"] {
        assert_eq!(found[field], told[field], "{field}");
    }
    let shared = lasting(&found).into_iter().find(|check| check.starts_with("port")).unwrap();
    assert!(shared.contains("shared with peer (process "), "{shared}");
    assert_eq!((told.get("v"), told.get("type")), (None, None), "the command's own form stays");
}

#[test]
fn somebody_whom_broadcasts_do_not_find_is_added_by_address_or_link() {
    let (here, there) = (World::new(), World::new());
    let _alice = here.daemon("alice");
    let bob = there.daemon("bob");
    let status = there.ran(&["--profile", "bob", "status", "--json"], b"").objects().remove(0);
    let address = format!("127.0.0.1:{}", status["port"]);
    let add = |args: &[&str]| here.ran(&[&["--profile", "alice", "add"], args].concat(), b"");
    let added = add(&[&address]);
    assert!(added.status == Some(0) && added.out.starts_with("bob (bob@"), "{added:?}");
    assert!(added.out.ends_with(") is here\n"), "{added:?}");
    let identity = there.ran(&["--profile", "bob", "identity"], b"").out;
    let link = identity.lines().find_map(|line| line.strip_prefix("Link         ")).unwrap();
    assert!(link.starts_with("peer://connect/") && link.contains("?name=bob"), "{link}");
    let by_link = add(&[link, "--json"]);
    assert_eq!(by_link.status, Some(0), "{by_link:?}");
    assert_eq!(by_link.objects()[0]["peer"]["name"], "bob");
    drop(bob);

    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let nobody = add(&[&silent.local_addr().unwrap().to_string()]);
    assert_eq!((nobody.status, nobody.out.as_str()), (Some(3), ""), "{nobody:?}");
    assert!(nobody.error.contains("tried again at every beat"), "{nobody:?}");
    assert_eq!(add(&["peer://connect/"]).status, Some(2));
    assert_eq!(add(&["a b:c"]).status, Some(2));

    let mut carol = here.piped("carol");
    carol.types(&format!("ADD {}", silent.local_addr().unwrap()));
    carol.types("STATS");
    carol.hangs_up();
    carol.shows("INFO\t\t\tNobody answers at 127.0.0.1:");
}
