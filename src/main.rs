//! The program `peer`.

use std::path::Path;
use std::process::ExitCode;

use lsnp::cli::args::{Args, Task};
use lsnp::cli::render::Render;
use lsnp::cli::{config, daemon, discover, doctor, identity, manual, oneshot, secret, service, start, terminal};
use lsnp::engine::Word;

fn main() -> ExitCode {
    let args = Args::read();
    if let Some(file) = &args.options.log
        && let Err(error) = log_to(file)
    {
        // Rows are for who reads a session.
        let render = Render { pipe: args.task.is_none() && !terminal::is_interactive(), color: false };
        return ExitCode::from(start::fail(render, &format!("Cannot write the log {}: {error}", file.display())));
    }
    ExitCode::from(match &args.task {
        None => start::run(&args.options),
        Some(Task::Run) => daemon::run(&args.options),
        Some(Task::Web(web)) => oneshot::web(&args.options, web),
        Some(Task::Open(open)) => oneshot::open(&args.options, open),
        Some(Task::Add(add)) => oneshot::add(&args.options, add),
        Some(Task::List(list)) => oneshot::list(&args.options, list),
        Some(Task::Post(post)) => oneshot::post(&args.options, post),
        Some(Task::Dm(dm)) => oneshot::dm(&args.options, dm),
        Some(Task::Watch(watch)) => oneshot::watch(&args.options, watch),
        Some(Task::History(history)) => oneshot::history(&args.options, history),
        Some(Task::Search(search)) => oneshot::search(&args.options, search),
        Some(Task::Export(export)) => oneshot::export(&args.options, export),
        Some(Task::Forget(forget)) => oneshot::forget(&args.options, forget),
        Some(Task::Verify(verify)) => oneshot::verify(&args.options, verify),
        Some(Task::Trust(who)) => oneshot::judge(&args.options, who, Word::Trust),
        Some(Task::Block(who)) => oneshot::judge(&args.options, who, Word::Block),
        Some(Task::Unblock(who)) => oneshot::judge(&args.options, who, Word::Unblock),
        Some(Task::Mute(who)) => oneshot::judge(&args.options, who, Word::Mute),
        Some(Task::Unmute(who)) => oneshot::judge(&args.options, who, Word::Unmute),
        Some(Task::Share(share)) => oneshot::share(&args.options, share),
        Some(Task::Cache(cache)) => oneshot::cache(&args.options, cache),
        Some(Task::Progress(progress)) => oneshot::progress(&args.options, progress),
        Some(Task::Publish(publish)) => oneshot::publish(&args.options, publish),
        Some(Task::Subscribe(subscribe)) => oneshot::subscribe(&args.options, subscribe),
        Some(Task::Call(call)) => oneshot::call(&args.options, call),
        Some(Task::Serve(serve)) => oneshot::serve(&args.options, serve),
        Some(Task::Profile(profile)) => oneshot::profile(&args.options, profile),
        Some(Task::Status(status)) => oneshot::status(&args.options, status),
        Some(Task::Stop) => oneshot::stop(&args.options),
        Some(Task::Top(top)) => oneshot::top(&args.options, top),
        Some(Task::Service(service)) => service::run(&args.options, service.task),
        Some(Task::Config(config)) => config::run(&args.options, config.task),
        Some(Task::Completions { shell }) => manual::completions(*shell),
        Some(Task::Man { folder }) => manual::man(folder.as_deref()),
        Some(Task::Discover(discover)) => discover::run(&args.options, discover),
        Some(Task::Doctor(doctor)) => doctor::run(&args.options, doctor),
        Some(Task::Identity(identity)) => identity::run(&args.options, identity),
        Some(Task::Secret(secret)) => secret::run(secret),
    })
}

/// Sends the log to a file, never to the screen; RUST_LOG filters it.
fn log_to(file: &Path) -> std::io::Result<()> {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;
    let file = std::fs::OpenOptions::new().create(true).append(true).open(file)?;
    let wanted = std::env::var("RUST_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let filter = wanted.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(std::sync::Mutex::new(file));
    tracing_subscriber::registry().with(lines).with(filter).init();
    Ok(())
}
