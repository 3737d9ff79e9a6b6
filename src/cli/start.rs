//! From the arguments to a running session.

use std::time::Duration;

use crate::node::Profile;
use crate::web::Served;
use crate::wire::Name;

use super::args::Options;
use super::host::{Host, sentence, usual_name};
use super::input::{Input, Typed};
use super::pipe;
use super::popup::Popups;
use super::prompt::{self, Later};
use super::render::Render;
use super::screen::{self, Screen};
use super::session::{End, Session};
use super::shown::Shown;
use super::signals::Signals;
use super::terminal::{self, Terminal};

/// Runs a peer with a prompt, or on a pipe, to its end; the exit status.
#[must_use]
pub fn run(options: &Options) -> u8 {
    let render = Render { pipe: !terminal::is_interactive(), color: terminal::is_colored() };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(render, &format!("The system gives no event queue: {error}")),
    };
    let terminal = Terminal::found();
    let ended = runtime.block_on(session(options, render));
    // Threads that read the terminal or resolve a name are left behind.
    runtime.shutdown_background();
    drop(terminal);
    match ended {
        Ok(End::Wanted) => 0,
        Ok(End::Failed) => 1,
        Err(text) => fail(render, &text),
    }
}

/// Shows why nothing runs; the exit status.
#[must_use]
pub fn fail(render: Render, text: &str) -> u8 {
    if render.pipe {
        // A pipe that nobody reads needs no line.
        let _ = screen::print(&render.error(text));
    } else {
        screen::complain(&Shown::line(false, &[(super::shown::Tone::Plain, text)]));
    }
    1
}

async fn session(options: &Options, render: Render) -> Result<End, String> {
    let mut signals = Signals::listen().map_err(|error| format!("Cannot listen for signals: {error}"))?;
    let later = Later::default();
    let started =
        if render.pipe { pipe::start().map(|input| (input, screen::stdout())) } else { prompt::start(later.clone()) };
    let (mut input, sink) = started.map_err(|error| format!("Cannot read what is typed: {error}"))?;
    let screen = Screen::start(sink).map_err(|error| format!("Cannot show anything: {error}"))?;

    let (profile, notices) = if options.temporary {
        (Profile::temporary(), Vec::new())
    } else {
        Profile::open(options.profile.as_deref()).map_err(|error| error.to_string())?
    };
    for notice in notices {
        screen.show(render.info(&sentence(&notice.to_string()))).await;
    }
    let name = tokio::select! {
        name = name(options, render, &profile, &mut input, &screen) => name,
        () = signals.came() => None,
    };
    let Some(name) = name else {
        if input.is_prompting() {
            screen::leave_line();
        }
        screen.end(Duration::from_millis(200)).await;
        return Ok(End::Wanted);
    };
    if let Some(file) = profile.history_file() {
        // Set once, here.
        let _ = later.history.set(file);
    }
    let mut host = match Host::start(options, profile, name) {
        Ok(host) => host,
        Err(text) => {
            screen.end(Duration::from_millis(200)).await;
            return Err(text);
        }
    };
    let served = host.serve(options.web).await;
    for notice in &host.notices {
        screen.show(render.info(notice)).await;
    }
    let _ = later.peers.set(host.node.handle.peers());
    let popups = (options.notify && !render.pipe).then(|| Popups::find(options.quiet_hours)).flatten();
    let client = served.as_ref().map(Served::client);
    let session = Session::new(&host, client, render, screen).with_popups(popups).with_page(options.web);
    let end = session.run(host.node, input, signals, options.verbose).await;
    drop(served);
    Ok(end)
}

/// The name to go by: the option, what is kept, else asked for at a terminal; none when the user left instead.
async fn name(
    options: &Options,
    render: Render,
    profile: &Profile,
    input: &mut Input,
    screen: &Screen,
) -> Option<Name> {
    if let Some(name) = options.name.as_ref().or(profile.settings().name.as_ref()) {
        return Some(name.clone());
    }
    let usual = usual_name(profile);
    if render.pipe {
        return Some(usual);
    }
    loop {
        screen.settle(Duration::from_millis(50)).await;
        input.ask(&format!("Your name [{}]: ", usual.as_str()), false);
        match input.next().await {
            Typed::Line(line) if line.trim().is_empty() => return Some(usual),
            Typed::Line(line) => match Name::new(line.trim()) {
                Ok(name) => return Some(name),
                Err(error) => screen.show(render.error(&sentence(&error.to_string()))).await,
            },
            Typed::Wrong(why) => screen.show(render.error(why)).await,
            Typed::End => return None,
        }
    }
}
