//! Changes one key of the file. All else in it stays as it is to the byte: remarks, order, how it is written.

use std::fs;
use std::io;
use std::path::Path;

use clap::{CommandFactory, FromArgMatches};
use toml::de::DeTable;

use super::super::args::{Args, Options};
use super::super::secret;
use super::key::{self, Key};
use super::{File, told};
use crate::node::{StartError, check_peer, files};

/// Sets a key to these values, or removes it. The file is made where there is none. The error is for the user, and the
/// file is as it was then.
pub(in crate::cli) fn change(path: &Path, name: &str, values: Option<&[String]>) -> Result<(), String> {
    let known = || super::keys().join(", ");
    let key = key::of(name).ok_or_else(|| format!("there is no key {name:?}. There are: {}", known()))?;
    // What is a link leads to what is changed: it stays a link.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let broken = |faults: Vec<super::Fault>| {
        let faults: Vec<String> = faults.iter().map(|fault| told(path, fault)).collect();
        format!("the file has to be mended first. {}", faults.join("; "))
    };
    let old = File::text(path).map_err(broken)?.unwrap_or_default();
    let old_file = File::parse(path, &old).map_err(broken)?;
    if let Some(values) = values
        && !key.is_list()
        && values.len() != 1
    {
        return Err(format!("{name} takes one value, not {}", values.len()));
    }
    let new = match values {
        Some(values) => with(path, &old, &old_file, &key, values)?,
        None => without(&old, name),
    };
    let is = values.map(|values| parsed(&key, values));
    if !differs_by(path, &old_file, &new, name, is.as_deref()) {
        return Err(format!("{name} cannot be changed in that file: change it with `peer config edit`"));
    }
    if new == old {
        return Ok(());
    }
    File::parse(path, &new).map_err(|faults| texts(&faults)).and_then(|file| starts(&file, name))?;
    write(path, new.as_bytes()).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// The text with this key set: in its place, else after the remark that holds it, else at the end.
fn with(path: &Path, old: &str, old_file: &File, key: &Key, values: &[String]) -> Result<String, String> {
    let (name, value) = (key.name(), key.toml(values));
    File::parse(path, &format!("{name} = {value}\n")).map_err(|faults| texts(&faults))?;
    if let Some((_, place)) = place(old, name) {
        return Ok(format!("{}{value}{}", &old[..place.start], &old[place.end..]));
    }
    let line = format!("{name} = {value}\n");
    let remarks: Vec<usize> = remarks(old, name).collect();
    if let [end] = remarks.as_slice() {
        let new = format!("{}{line}{}", &old[..*end], &old[*end..]);
        // What looks like a remark may be a part of a text of several lines.
        if differs_by(path, old_file, &new, name, Some(&parsed(key, values))) {
            return Ok(new);
        }
    }
    let gap = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
    Ok(format!("{old}{gap}{line}"))
}

/// The text without this key; a remark behind it stays.
fn without(old: &str, name: &str) -> String {
    let Some((start, value)) = place(old, name) else { return old.to_owned() };
    let line = old[..start].rfind('\n').map_or(0, |at| at + 1);
    let end = old[value.end..].find('\n').map_or(old.len(), |at| value.end + at + 1);
    let rest = old[value.end..end].trim_start_matches([' ', '\t']);
    let rest = if rest.starts_with('#') { rest } else { "" };
    format!("{}{rest}{}", &old[..line], &old[end..])
}

/// Where a key begins, and where its value is.
fn place(text: &str, name: &str) -> Option<(usize, std::ops::Range<usize>)> {
    let table = DeTable::parse(text).ok()?;
    let found = table.get_ref().iter().find(|(key, _)| key.get_ref() == name);
    found.map(|(key, value)| (key.span().start, value.span()))
}

/// Where lines end that hold this key as a remark.
fn remarks<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    let lines = text.split_inclusive('\n').scan(0, |at, line| {
        *at += line.len();
        Some((*at, line))
    });
    lines.filter_map(move |(end, line)| {
        let rest = line.strip_prefix('#')?.trim_start().strip_prefix(name)?;
        (rest.trim_start().starts_with('=') && line.ends_with('\n')).then_some(end)
    })
}

/// What is read where these values stand.
fn parsed(key: &Key, values: &[String]) -> Vec<String> {
    let text = format!("{} = {}\n", key.name(), key.toml(values));
    let file = File::parse(Path::new(""), &text).ok();
    file.and_then(|file| file.entry(key.name()).map(|entry| entry.values.clone())).unwrap_or_else(|| values.to_vec())
}

/// Whether the text says the same as the file, but for this key, which is so.
fn differs_by(path: &Path, old: &File, new: &str, name: &str, is: Option<&[String]>) -> bool {
    let Ok(new) = File::parse(path, new) else { return false };
    super::keys().iter().all(|key| {
        let found = new.entry(key).map(|entry| entry.values.as_slice());
        found == if key == name { is } else { old.entry(key).map(|entry| entry.values.as_slice()) }
    })
}

fn texts(faults: &[super::Fault]) -> String {
    faults.iter().map(|fault| fault.text.as_str()).collect::<Vec<_>>().join("; ")
}

/// Refuses what no single key can tell, and what would stop every start: from a page, that could not be mended.
fn starts(file: &File, changed: &str) -> Result<(), String> {
    let command = Args::command().mut_args(|arg| arg.env(None::<&str>));
    let matches = super::with_file(command, file).try_get_matches_from(["peer"]);
    let args = matches.and_then(|matches| Args::from_arg_matches(&matches));
    let args = args.and_then(|args| args.check(false).map(|()| args)).map_err(|error| {
        let text = error.to_string();
        text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })?;
    let Options { port, discovery_port, ref log, ref secret_file, .. } = args.options;
    if port == Some(discovery_port) {
        return Err(StartError::PortIsDiscovery(discovery_port).to_string());
    }
    if changed == "peer" {
        args.options.peers().iter().try_for_each(|peer| check_peer(peer)).map_err(|error| error.to_string())?;
    }
    let named = [("log", log), ("secret-file", secret_file)];
    if let Some((_, Some(file))) = named.into_iter().find(|(name, _)| *name == changed) {
        if !file.is_absolute() {
            return Err(format!("{changed} takes a whole path, such as /home/me/{changed}"));
        }
        if changed == "log" && !file.parent().is_some_and(Path::is_dir) {
            return Err(format!("there is no folder for {}", file.display()));
        }
    }
    // Without the secret that it is to have, no peer starts.
    if changed == "secret-file" { secret::of_group(&args.options).map(|_| ()) } else { Ok(()) }
}

/// Writes it whole or not at all, and keeps who may read it.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let permissions = fs::metadata(path).ok().map(|found| found.permissions());
    if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    files::write_beside_others(path, bytes, permissions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::files::Scratch;

    /// What a file with this text is after this change, and why nothing changed.
    fn tried(text: &str, key: &str, values: Option<&[&str]>) -> (String, Option<String>) {
        let scratch = Scratch::new();
        let file = scratch.0.join("config.toml");
        fs::write(&file, text).unwrap();
        let values: Option<Vec<String>> = values.map(|values| values.iter().map(|&value| value.to_owned()).collect());
        let done = change(&file, key, values.as_deref());
        assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1, "no remains");
        (fs::read_to_string(&file).unwrap(), done.err())
    }

    #[track_caller]
    fn changed(text: &str, key: &str, values: Option<&[&str]>) -> String {
        let (now, why) = tried(text, key, values);
        assert_eq!(why, None);
        now
    }

    #[track_caller]
    fn unchanged(text: &str, key: &str, values: Option<&[&str]>) -> String {
        let (now, why) = tried(text, key, values);
        assert_eq!(now, text);
        why.unwrap()
    }

    const FILE: &str = "# mine\n  heartbeat   =  '5s'   # quick\n\n# who\npeer = [\n  'a', # first\n  \"b:9\",\n]\n\
                        port = 9_000\n#history = true\nname=\"al \\\"x\\\"\"";

    #[test]
    fn one_value_changes_and_nothing_else() {
        let set = |key, values: &[&str]| changed(FILE, key, Some(values));
        assert_eq!(set("heartbeat", &["7s"]), FILE.replace("'5s'", "\"7s\""));
        assert_eq!(set("port", &["8001"]), FILE.replace("9_000", "8001"));
        assert_eq!(set("port", &["9000"]), FILE.replace("9_000", "9000"));
        assert_eq!(set("name", &["bob"]), FILE.replace("\"al \\\"x\\\"\"", "\"bob\""));
        assert_eq!(set("peer", &["c", "d:1"]), FILE.replace("[\n  'a', # first\n  \"b:9\",\n]", "[\"c\", \"d:1\"]"));
        assert_eq!(set("peer", &[]), FILE.replace("[\n  'a', # first\n  \"b:9\",\n]", "[]"));
        assert_eq!(set("history", &["no"]), FILE.replace("#history = true\n", "#history = true\nhistory = false\n"));
        assert_eq!(set("keep-time", &["90d"]), format!("{FILE}\nkeep-time = \"90d\"\n"));
        assert_eq!(changed("", "name", Some(&["1234"])), "name = \"1234\"\n");
    }

    #[test]
    fn what_is_removed_leaves_its_remarks() {
        let removed = |key| changed(FILE, key, None);
        assert_eq!(removed("heartbeat"), FILE.replace("  heartbeat   =  '5s'   # quick", "# quick"));
        assert_eq!(removed("port"), FILE.replace("port = 9_000\n", ""));
        assert_eq!(removed("peer"), FILE.replace("peer = [\n  'a', # first\n  \"b:9\",\n]\n", ""));
        assert_eq!(removed("name"), FILE.replace("name=\"al \\\"x\\\"\"", ""));
        assert_eq!(removed("verbose"), FILE);
        let lines = "name = 'x'\r\nport = 9000 # p\r\n";
        assert_eq!(changed(lines, "name", None), "port = 9000 # p\r\n");
        assert_eq!(changed(lines, "port", None), "name = 'x'\r\n# p\r\n");
    }

    #[test]
    fn what_is_wrong_or_would_stop_a_start_is_refused_and_nothing_is_written() {
        let refused = |key, values: &[&str]| unchanged(FILE, key, Some(values));
        assert!(refused("heartbeat", &["500s"]).contains("1s to 100s"));
        assert!(refused("heartbeat", &["5s", "6s"]).contains("one value"));
        assert!(refused("heartbeat", &[]).contains("one value"));
        assert!(refused("temporary", &["true"]).contains("no key"));
        assert!(refused("profile", &["x"]).contains("no key"));
        assert!(refused("heart\nbeat", &["x"]).contains("no key"));
        assert!(refused("expiry", &["6s"]).contains("2.5 heartbeats"));
        assert!(refused("port", &["50999"]).contains("discovery port"));
        assert!(refused("port", &["80"]).contains("1024"));
        assert!(refused("peer", &["a:b:c"]).contains("HOST"), "{}", refused("peer", &["a:b:c"]));
        assert!(refused("log", &["peer.log"]).contains("whole path"));
        assert!(refused("log", &["/nowhere/at/all"]).contains("no folder"));
        assert!(refused("secret-file", &["/nowhere/at/all"]).contains("secret file"));
        assert!(refused("name", &["x\nport = 1"]).contains("U+000A"), "{}", refused("name", &["x\nport = 1"]));
        let broken = unchanged("heartbeet = '5s'\n", "name", Some(&["x"]));
        assert!(broken.contains("line 1") && broken.contains("mended"), "{broken}");
    }

    #[test]
    fn what_only_looks_like_a_remark_is_none() {
        // The file keeps texts of several lines as they are.
        let text = "secret-file = '''\n#port = 1\n'''\n";
        assert_eq!(changed(text, "port", Some(&["9000"])), format!("{text}port = 9000\n"));
        let twice = "#port = 1\n#port = 2\n";
        assert_eq!(changed(twice, "port", Some(&["9000"])), format!("{twice}port = 9000\n"));
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_is_ours_alone_and_a_link_stays_one() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let scratch = Scratch::new();
        let file = scratch.0.join("lsnp/profiles/work.toml");
        let values = |value: &str| [value.to_owned()];
        change(&file, "name", Some(&values("x"))).unwrap();
        let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let link = scratch.0.join("link.toml");
        symlink(&file, &link).unwrap();
        change(&link, "name", Some(&values("y"))).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!((fs::read_to_string(&file).unwrap().as_str(), mode(&file)), ("name = \"y\"\n", 0o640));
    }
}
