//! Commands that do one thing and end: through the peer that runs for the profile, or by one of their own.
//!
//! Exit statuses: 0 done, 1 failed, 2 wrong arguments, 3 nobody, or nothing, is there or called so, 4 not delivered or not
//! answered in time.

mod add;
mod books;
mod cache;
mod call;
mod child;
mod exec;
mod export;
mod link;
mod message;
mod own;
mod page;
mod progress;
mod publish;
mod serve;
mod share;
mod shelf;
mod subscribe;
mod trouble;
mod watch;
mod word;

use std::future::Future;
use std::io::{self, Read, Write};

use crate::data::message::BODY_MAX;
use crate::engine::Word;
use crate::wire::{LONG_MAX, Safe};

use super::args::{
    AddArgs, CacheArgs, CallArgs, DmArgs, ExportArgs, ForgetArgs, HistoryArgs, ListArgs, OpenArgs, Options, PostArgs,
    ProfileArgs, ProgressArgs, PublishArgs, SearchArgs, ServeArgs, ShareArgs, StatusArgs, SubscribeArgs, TopArgs,
    VerifyArgs, WatchArgs, WebArgs, WhoArgs,
};
use super::render::grouped;
use super::screen;
use super::shown::{Shown, Tone};
pub(super) use add::told as reached;
pub(super) use link::{api_file, running};
pub(super) use own::nobody_runs;
pub(super) use trouble::Trouble;

/// `peer web`; the exit status.
#[must_use]
pub fn web(options: &Options, args: &WebArgs) -> u8 {
    ended(false, page::web(options, args))
}

/// `peer open`; the exit status.
#[must_use]
pub fn open(options: &Options, args: &OpenArgs) -> u8 {
    ended(false, page::open(options, args))
}

/// `peer add`; the exit status.
#[must_use]
pub fn add(options: &Options, args: &AddArgs) -> u8 {
    ended(args.json, add::add(options, args))
}

/// `peer list`; the exit status.
#[must_use]
pub fn list(options: &Options, args: &ListArgs) -> u8 {
    ended(args.json, own::list(options, args))
}

/// `peer post`; the exit status.
#[must_use]
pub fn post(options: &Options, args: &PostArgs) -> u8 {
    ended(args.json, message::post(options, args))
}

/// `peer dm`; the exit status.
#[must_use]
pub fn dm(options: &Options, args: &DmArgs) -> u8 {
    ended(args.json, message::dm(options, args))
}

/// `peer watch`; the exit status.
#[must_use]
pub fn watch(options: &Options, args: &WatchArgs) -> u8 {
    ended(args.json, watch::watch(options, args))
}

/// `peer history`; the exit status.
#[must_use]
pub fn history(options: &Options, args: &HistoryArgs) -> u8 {
    ended(args.json, books::history(options, args))
}

/// `peer search`; the exit status.
#[must_use]
pub fn search(options: &Options, args: &SearchArgs) -> u8 {
    ended(args.json, books::search(options, args))
}

/// `peer export`; the exit status.
#[must_use]
pub fn export(options: &Options, args: &ExportArgs) -> u8 {
    ended(false, export::export(options, args))
}

/// `peer forget`; the exit status.
#[must_use]
pub fn forget(options: &Options, args: &ForgetArgs) -> u8 {
    ended(args.json, books::forget(options, args))
}

/// `peer verify`; the exit status.
#[must_use]
pub fn verify(options: &Options, args: &VerifyArgs) -> u8 {
    ended(args.json, word::verify(options, args))
}

/// `peer trust`, `peer block` and the like; the exit status.
#[must_use]
pub fn judge(options: &Options, args: &WhoArgs, word: Word) -> u8 {
    ended(args.json, word::judge(options, args, word))
}

/// `peer share`; the exit status.
#[must_use]
pub fn share(options: &Options, args: &ShareArgs) -> u8 {
    ended(args.json, share::share(options, args))
}

/// `peer cache`; the exit status: of `cache run` that of its command.
#[must_use]
pub fn cache(options: &Options, args: &CacheArgs) -> u8 {
    ended(args.json, cache::cache(options, args))
}

/// `peer progress`; the exit status.
#[must_use]
pub fn progress(options: &Options, args: &ProgressArgs) -> u8 {
    ended(args.json, progress::progress(options, args))
}

/// `peer publish`; the exit status.
#[must_use]
pub fn publish(options: &Options, args: &PublishArgs) -> u8 {
    ended(args.json, publish::publish(options, args))
}

/// `peer subscribe`; the exit status.
#[must_use]
pub fn subscribe(options: &Options, args: &SubscribeArgs) -> u8 {
    ended(args.json, subscribe::subscribe(options, args))
}

/// `peer call`; the exit status.
#[must_use]
pub fn call(options: &Options, args: &CallArgs) -> u8 {
    ended(args.json, call::call(options, args))
}

/// `peer serve`; the exit status.
#[must_use]
pub fn serve(options: &Options, args: &ServeArgs) -> u8 {
    ended(args.json, serve::serve(options, args))
}

/// `peer profile`; the exit status.
#[must_use]
pub fn profile(options: &Options, args: &ProfileArgs) -> u8 {
    ended(args.json, own::profile(options, args))
}

/// `peer status`; the exit status.
#[must_use]
pub fn status(options: &Options, args: &StatusArgs) -> u8 {
    ended(args.json, own::status(options, args))
}

/// `peer stop`; the exit status.
#[must_use]
pub fn stop(options: &Options) -> u8 {
    ended(false, own::stop(options))
}

/// The link to the peer that runs for the profile, with its addresses; none if none runs.
pub(super) fn own_link(options: &Options) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(own::link(options))
}

/// `peer top`; the exit status.
#[must_use]
pub fn top(options: &Options, args: &TopArgs) -> u8 {
    ended(false, super::top::top(options, args))
}

/// Runs a command to its end, and says what went wrong; the exit status.
fn ended(json: bool, command: impl Future<Output = Result<(), Trouble>>) -> u8 {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Trouble::failed(format!("the system gives no event queue: {error}")).tell(json),
    };
    let done = runtime.block_on(command);
    // A thread that reads the history or waits for a program is left behind.
    runtime.shutdown_background();
    match done {
        Ok(()) => 0,
        Err(trouble) => trouble.tell(json),
    }
}

/// Returns when nobody reads the output any more, as after `| head -1`, and never where that cannot be told.
async fn unread() {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        use tokio::{io::Interest, net::unix::pipe::Sender};
        // Nothing is written through it, so it may be of any kind, and stays as it is.
        let output = io::stdout().as_fd().try_clone_to_owned().and_then(Sender::from_owned_fd_unchecked);
        if let Ok(output) = output
            && output.ready(Interest::ERROR).await.is_ok()
        {
            return;
        }
    }
    std::future::pending().await
}

/// Prints one line.
pub(super) fn say(text: &str) -> Result<(), Trouble> {
    put(&Shown::line(false, &[(Tone::Plain, text)]))
}

fn put(line: &Shown) -> Result<(), Trouble> {
    screen::print(line).map_err(Trouble::output)
}

/// Prints one object as one line. It stands there whole: a person's screen is spared by how the JSON is written.
fn object<T: serde::Serialize>(object: &T) -> Result<(), Trouble> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", crate::web::json(object)).and_then(|()| out.flush()).map_err(Trouble::output)
}

/// The text of a message, as the arguments or the input give it.
fn text(words: &[String]) -> Result<String, Trouble> {
    let text = if words == ["-"] { input()? } else { words.join(" ") };
    if text.trim().is_empty() {
        return Err(Trouble::usage("there is no text to send"));
    }
    if text.len() > LONG_MAX {
        return Err(Trouble::failed(format!(
            "the text takes {} bytes, one message holds {}: send it in parts",
            grouped(text.len()),
            grouped(LONG_MAX)
        )));
    }
    Ok(text)
}

/// The whole input, without the line ends at its end.
fn input() -> Result<String, Trouble> {
    let mut bytes = Vec::new();
    let most = LONG_MAX as u64 + 3;
    let read = io::stdin().lock().take(most).read_to_end(&mut bytes);
    read.map_err(|error| Trouble::failed(format!("cannot read the input: {error}")))?;
    if bytes.len() as u64 == most {
        return Err(Trouble::failed(format!(
            "the input is longer than {} bytes, which is what one message holds: send it in parts",
            grouped(LONG_MAX)
        )));
    }
    let text = String::from_utf8(bytes).map_err(|_| Trouble::failed("the input is not UTF-8 text"))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// JSON, as an argument or the input gives it.
fn json_body(text: &str) -> Result<crate::web::JsonText, Trouble> {
    let text = if text == "-" { input()? } else { text.to_owned() };
    let body = crate::web::JsonText::new(&text).map_err(|error| {
        let advice = if text.trim().is_empty() { "it is empty" } else { "a text stands in quotes: '\"hello\"'" };
        Trouble::usage(format!("that is no JSON ({error}); {advice}"))
    })?;
    if body.get().len() > BODY_MAX {
        let (bytes, max) = (grouped(body.get().len()), grouped(BODY_MAX));
        return Err(Trouble::failed(format!(
            "the JSON takes {bytes} bytes, one message holds {max}: send it in parts"
        )));
    }
    Ok(body)
}

/// A name of somebody, as it was given.
fn shown(who: &str) -> String {
    Safe::fitted(who, 60).as_str().to_owned()
}
