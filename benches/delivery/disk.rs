//! Disks that are full, read-only or broken under one of two who write to each other.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use lsnp::engine::Mark;

use super::Options;
use super::lan::Lan;
use super::process::Line;
use super::report::Report;
use super::user::{User, meet};

/// Folders that are still to be unmounted, also when a signal ends the bench.
static MOUNTED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The longest wait for a line.
const PATIENCE: Duration = Duration::from_secs(15);

/// Room on the disk that is filled: more than a peer keeps free.
const SIZE: &str = "160m";

/// Two users: the first has a good disk, that of the second is spoiled.
struct Two<'lan> {
    alice: User<'lan>,
    bob: User<'lan>,
    written: usize,
    /// Told as stored before the file was broken that held it.
    gone: BTreeSet<String>,
}

/// One way to spoil a disk, and what must hold then.
type Case = fn(&mut Two<'_>, &mut Report) -> io::Result<()>;

/// Spoils disks, and looks what is said, what is promised and whether they go on talking.
pub(crate) fn measure(options: &Options, report: &mut Report) -> io::Result<()> {
    let cases: [(&str, Case); 5] = [
        ("full", full),
        ("read-only", read_only),
        ("history read-only", locked),
        ("history overwritten", overwritten),
        ("history cut short", cut),
    ];
    for (name, case) in cases {
        let lan = Lan::new(2)?;
        let mut two = Two {
            alice: User::new(&options.peer, &lan.hosts[0])?,
            bob: User::new(&options.peer, &lan.hosts[1])?,
            written: 0,
            gone: BTreeSet::new(),
        };
        fs::create_dir_all(two.bob.folder())?;
        println!("    {name}");
        let done = case(&mut two, report);
        let ended = two.alice.end()? & two.bob.end()?;
        let judged = done.and_then(|()| honest(name, &two, report));
        unmount_all();
        judged?;
        report.must("  both peers ended by themselves", "yes", yes(ended), ended);
    }
    report.fact("clock 10 years off", "in the simulator: no program here can move one process's clock".to_owned());
    Ok(())
}

impl Two<'_> {
    fn start(&mut self) -> io::Result<()> {
        self.alice.start()?;
        self.bob.start()?;
        meet(&self.alice, &self.bob)
    }

    fn restart_bob(&mut self) -> io::Result<()> {
        self.bob.start()?;
        meet(&self.alice, &self.bob)
    }

    /// Alice writes so many, which Bob must see; returns how many he did.
    fn write(&mut self, count: usize) -> io::Result<usize> {
        let texts: Vec<String> = (0..count).map(|at| format!("number {}", self.written + at)).collect();
        self.written += count;
        for text in &texts {
            self.alice.peer()?.say(&format!("DM {} {text}", self.bob.name))?;
        }
        let shown = |lines: &[Line]| {
            texts.iter().filter(|text| lines.iter().any(|line| line.kind() == "DM" && line.said() == *text)).count()
        };
        self.bob.peer()?.wait(PATIENCE, |lines| shown(lines) == count);
        Ok(self.bob.peer()?.lines(shown))
    }

    /// What Alice is told of the last that she wrote: waits for that mark, or shows another.
    fn marked(&self, mark: Mark, at_least: usize) -> io::Result<bool> {
        let said = |line: &&Line| line.kind() == "MARK" && line.said().starts_with(mark.word());
        Ok(self.alice.peer()?.wait(PATIENCE, |lines| lines.iter().filter(said).count() >= at_least))
    }

    /// Bob writes back.
    fn answer(&self) -> io::Result<bool> {
        self.bob.peer()?.say(&format!("DM {} I am here", self.alice.name))?;
        let is = |line: &Line| line.kind() == "DM" && line.said() == "I am here";
        Ok(self.alice.peer()?.wait(PATIENCE, |lines| lines.iter().any(is)))
    }

    /// The first line that Bob is told which holds one of these words.
    fn told(&self, words: &[&str], from: usize) -> io::Result<Option<String>> {
        let of_disk = |line: &&Line| {
            let text = line.said().to_lowercase();
            ["INFO", "ERROR"].contains(&line.kind()) && words.iter().any(|word| text.contains(word))
        };
        let peer = self.bob.peer()?;
        peer.wait(PATIENCE, |lines| lines[from..].iter().any(|line| of_disk(&line)));
        Ok(peer.lines(|lines| lines[from..].iter().find(of_disk).map(|line| line.said().to_owned())))
    }

    fn lines(&self) -> io::Result<usize> {
        Ok(self.bob.peer()?.lines(<[Line]>::len))
    }
}

fn full(two: &mut Two<'_>, report: &mut Report) -> io::Result<()> {
    mount(&two.bob.folder(), &["-t", "tmpfs", "-o", &format!("size={SIZE},mode=700"), "tmpfs"])?;
    two.start()?;
    let shown = two.write(3)?;
    let stored = two.marked(Mark::Stored, 3)?;
    report.must("full: before, shown and stored", "3", format!("{shown}, {}", yes(stored)), shown == 3 && stored);

    let from = two.lines()?;
    let filler = two.bob.folder().join("filler");
    fill(&filler)?;
    let shown = two.write(5)?;
    report.must("full: shown all the same", "5", shown.to_string(), shown == 5);
    let received = two.marked(Mark::Received, 5)?;
    report.must("  marked received, and not stored", "5", yes(received), received);
    say(report, "  Bob is told", two.told(&["disk", "space", "history", "kept"], from)?);
    let answered = two.answer()?;
    report.must("  Bob goes on writing", "yes", yes(answered), answered);

    let from = two.lines()?;
    fs::remove_file(&filler)?;
    let before = two.alice.told(Mark::Stored).len();
    let shown = two.write(1)?;
    // What is received only is asked for again at the next announcements, so that more than this one may follow.
    let stored = two.marked(Mark::Stored, before + 1)?;
    report.must(
        "  with room again, shown and stored",
        "yes",
        format!("{shown}, {}", yes(stored)),
        shown == 1 && stored,
    );
    say(report, "  Bob is told", two.told(&["disk", "space", "history", "kept"], from)?);
    Ok(())
}

fn read_only(two: &mut Two<'_>, report: &mut Report) -> io::Result<()> {
    let folder = two.bob.folder();
    mount(&folder, &["-t", "tmpfs", "-o", &format!("size={SIZE},mode=700"), "tmpfs"])?;
    two.start()?;
    two.write(2)?;
    two.bob.end()?;
    run(Command::new("mount").args(["-o", "remount,ro"]).arg(&folder))?;
    two.bob.start()?;
    say(report, "read-only: Bob is told", two.told(&["read-only", "kept"], 0)?);
    // A profile that cannot be used gives a peer with another key: to others a new one of the same name.
    let alone = two.bob.peer()?.knows(&[&two.alice.id], PATIENCE);
    let answered = alone && two.answer()?;
    report.must("  Bob goes on writing", "yes", yes(answered), answered);
    two.bob.end()?;
    run(Command::new("mount").args(["-o", "remount,rw"]).arg(&folder))?;
    two.restart_bob()?;
    let shown = two.write(1)?;
    report.must("  writable again, shown", "1", shown.to_string(), shown == 1);
    Ok(())
}

/// Nobody may write to the file of the history alone.
fn locked(two: &mut Two<'_>, report: &mut Report) -> io::Result<()> {
    two.start()?;
    two.write(2)?;
    two.bob.end()?;
    let file = two.bob.folder().join("history.db");
    run(Command::new("chattr").arg("+i").arg(&file))?;
    let spoiled = two.restart_bob().and_then(|()| {
        let shown = two.write(3)?;
        say(report, "history read-only: Bob is told", two.told(&["history", "kept"], 0)?);
        report.must("  shown all the same", "3", shown.to_string(), shown == 3);
        let received = two.marked(Mark::Received, 3)?;
        report.must("  marked received, and not stored", "3", yes(received), received);
        let answered = two.answer()?;
        report.must("  Bob goes on writing", "yes", yes(answered), answered);
        two.bob.end()
    });
    run(Command::new("chattr").arg("-i").arg(&file))?;
    spoiled?;
    two.restart_bob()?;
    let shown = two.write(1)?;
    report.must("  writable again, shown", "1", shown.to_string(), shown == 1);
    Ok(())
}

fn overwritten(two: &mut Two<'_>, report: &mut Report) -> io::Result<()> {
    broken("overwritten", two, report, |file| {
        let length = fs::metadata(file)?.len();
        fs::write(file, vec![0xa5; usize::try_from(length).unwrap_or(4096)])
    })
}

fn cut(two: &mut Two<'_>, report: &mut Report) -> io::Result<()> {
    broken("cut short", two, report, |file| {
        let length = fs::metadata(file)?.len();
        fs::OpenOptions::new().write(true).open(file)?.set_len(length / 2 + 100)
    })
}

fn broken(
    what: &str,
    two: &mut Two<'_>,
    report: &mut Report,
    spoil: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    two.start()?;
    two.write(5)?;
    let stored = two.marked(Mark::Stored, 5)?;
    two.bob.end()?;
    let folder = two.bob.folder();
    spoil(&folder.join("history.db"))?;
    two.gone = two.alice.told(Mark::Stored);
    two.restart_bob()?;
    say(report, &format!("history {what}: Bob is told"), two.told(&["aside", "broken"], 0)?);
    let aside = fs::read_dir(&folder)?.flatten().any(|file| {
        let name = file.file_name().to_string_lossy().into_owned();
        name.starts_with("history.db.broken")
    });
    report.must("  the file is kept", "yes", yes(aside), aside);
    let shown = two.write(3)?;
    let again = two.marked(Mark::Stored, 8)?;
    let measured = format!("{shown}, {}", yes(stored && again));
    report.must("  what comes is shown and stored", "3", measured, shown == 3 && again);
    let answered = two.answer()?;
    report.must("  Bob goes on writing", "yes", yes(answered), answered);
    Ok(())
}

/// Nothing was told as stored that is not there.
fn honest(name: &str, two: &Two<'_>, report: &mut Report) -> io::Result<()> {
    let told = two.alice.told(Mark::Stored);
    let kept: BTreeSet<String> = two.bob.history()?.into_iter().map(|row| row.message_id).collect();
    let wrong = told.iter().filter(|id| !kept.contains(*id) && !two.gone.contains(*id)).count();
    let measured = format!("{wrong} of {}", told.len());
    report.must(&format!("{name}: told as stored, not in the history"), "0", measured, wrong == 0 && !told.is_empty());
    Ok(())
}

fn say(report: &mut Report, what: &str, line: Option<String>) {
    let told = line.is_some();
    let measured = line.map_or_else(|| "nothing".to_owned(), |line| line.chars().take(100).collect());
    report.must(what, "a clear line", measured, told);
}

fn yes(so: bool) -> String {
    if so { "yes" } else { "no" }.to_owned()
}

/// Fills what is left of a disk.
fn fill(filler: &Path) -> io::Result<()> {
    let mut file = File::create(filler)?;
    let piece = vec![0; 1 << 16];
    loop {
        match file.write_all(&piece) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn mount(folder: &Path, args: &[&str]) -> io::Result<()> {
    run(Command::new("mount").args(args).arg(folder))?;
    lock(|mounted| mounted.push(folder.to_owned()));
    Ok(())
}

/// Unmounts what is mounted: also for the way out.
pub(crate) fn unmount_all() {
    for folder in lock(std::mem::take) {
        // Lazily: a peer that was killed may still hold it.
        let _ = Command::new("umount").arg("-l").arg(folder).stderr(Stdio::null()).status();
    }
}

fn lock<T>(use_it: impl FnOnce(&mut Vec<PathBuf>) -> T) -> T {
    use_it(&mut MOUNTED.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

fn run(command: &mut Command) -> io::Result<()> {
    let done = command.output()?;
    if done.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{command:?}: {}", String::from_utf8_lossy(&done.stderr).trim())))
}
