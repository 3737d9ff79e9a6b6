//! `peer add`: tries where somebody may be.

use crate::web::{PeerObject, ReachedObject};

use super::super::args::{AddArgs, Options};
use super::link::{Link, Manner};
use super::trouble::Trouble;
use super::{object, say};

pub(super) async fn add(options: &Options, args: &AddArgs) -> Result<(), Trouble> {
    let link = Link::open(options, Manner { json: args.json, serves: false, settles: true }).await?;
    let reached = link.client.reach(&args.to).await;
    let goes_on = !link.is_own();
    link.close().await;
    let reached = reached?;
    if args.json {
        object(&reached)?;
    }
    match &reached.peer {
        Some(peer) if is_here(peer) && args.json => Ok(()),
        Some(peer) if is_here(peer) => say(&told(&reached, goes_on)),
        Some(_) | None => Err(Trouble::nobody(told(&reached, goes_on))),
    }
}

/// What came of it, for people.
pub(in crate::cli) fn told(reached: &ReachedObject, goes_on: bool) -> String {
    let tried = reached.tried.join(", ");
    let others: Vec<String> = reached.others.iter().map(|peer| format!("{} ({})", peer.who, peer.id)).collect();
    let answers = match others.as_slice() {
        [] => "nobody answers".to_owned(),
        others => format!("somebody else answers, {},", others.join(" and ")),
    };
    let mut text = match &reached.peer {
        Some(peer) if is_here(peer) => return format!("{} ({}) is here", peer.name, peer.id),
        Some(peer) if tried.is_empty() => format!("{} is known, and away", peer.name),
        Some(peer) => format!("{} is known, and away; {answers} at {tried}", peer.name),
        None if tried.is_empty() => "it is not known here, and there is no address to try".to_owned(),
        None => format!("{answers} at {tried}"),
    };
    if !tried.is_empty() {
        text.push_str(if goes_on {
            ". It is tried again at every beat, and listed when it answers"
        } else {
            ". No peer runs here that would try again: start `peer`"
        });
    }
    text
}

fn is_here(peer: &PeerObject) -> bool {
    peer.presence != "away"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_answers_instead_is_told() {
        let peer = serde_json::json!({
            "v": 1, "type": "peer", "id": "eve@10.0.0.9", "name": "bob", "trust": "new key", "presence": "live",
            "address": "10.0.0.9:8000", "heard": 0, "older": false, "blocked": false, "muted": false, "avatar": false,
            "private": true, "who": "bob#7f3a",
        });
        let peer: PeerObject = serde_json::from_value(peer).unwrap();
        let nobody = ReachedObject {
            v: 1,
            kind: "reached".to_owned(),
            peer: None,
            others: vec![peer.clone()],
            tried: vec!["10.0.0.9:8000".to_owned()],
        };
        assert_eq!(
            told(&nobody, true),
            "somebody else answers, bob#7f3a (eve@10.0.0.9), at 10.0.0.9:8000. It is tried again at every beat, and \
             listed when it answers"
        );
        let here = ReachedObject { peer: Some(peer), others: Vec::new(), ..nobody };
        assert_eq!(told(&here, true), "bob (eve@10.0.0.9) is here");
    }
}
