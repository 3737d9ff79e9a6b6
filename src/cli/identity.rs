//! `peer identity`: who we are to others, and the file that carries it to another machine.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use zeroize::Zeroizing;

use crate::crypto::{self, KeyPair};
use crate::engine::Crypto;
use crate::node::{Profile, random_seed};
use crate::wire::{LinkTo, PeerLink};

use super::args::{IdentityArgs, IdentityTask, Options};
use super::host::sentence;
use super::shown::{Shown, Tone};
use super::{oneshot, passphrase, screen};

/// Longest file that is read, bytes; an exported identity has about 400.
const FILE_MAX: u64 = 64 << 10;

/// Shows, exports or imports the identity; the exit status.
#[must_use]
pub fn run(options: &Options, args: &IdentityArgs) -> u8 {
    let profile = options.profile.as_deref();
    let done = if options.temporary {
        Err("A temporary peer has a new identity at every start: leave --temporary out".to_owned())
    } else {
        match &args.task {
            None => show(options, args.qr || io::stdout().is_terminal()),
            Some(IdentityTask::Export { file }) => export(profile, file),
            Some(IdentityTask::Import { file, replace }) => import(profile, file, *replace),
        }
    };
    match done {
        Ok(()) => 0,
        Err(text) => {
            complain(&text);
            1
        }
    }
}

fn complain(text: &str) {
    screen::complain(&Shown::line(false, &[(Tone::Plain, text)]));
}

fn print(text: &str) -> Result<(), String> {
    screen::show(text)
}

fn of_profile(profile: Option<&str>) -> Result<KeyPair, String> {
    let (file, identity) = Profile::identity_of(profile).map_err(|error| sentence(&error.to_string()))?;
    identity
        .ok_or_else(|| format!("There is no identity in {} yet: the first start of `peer` makes it", file.display()))
}

fn show(options: &Options, qr: bool) -> Result<(), String> {
    let key = of_profile(options.profile.as_deref())?.public_key();
    print(&format!("Fingerprint  {}", key.fingerprint()))?;
    print(&format!("Public key   {key}"))?;
    // Addresses and name change, so the code that may be printed and hung up has none.
    let short = PeerLink::new(LinkTo::Key(key), None, []).map(|link| link.to_string()).unwrap_or_default();
    print(&format!("Link         {}", oneshot::own_link(options).as_ref().unwrap_or(&short)))?;
    if qr {
        for line in qr_code(&short)? {
            print(&line)?;
        }
    }
    Ok(())
}

/// A QR code of a link, two rows a line, for light letters on a dark screen.
fn qr_code(link: &str) -> Result<Vec<String>, String> {
    let code = QrCode::with_error_correction_level(link, EcLevel::L);
    let code = code.map_err(|error| format!("Cannot make a QR code: {error}"))?;
    let drawn = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    Ok(drawn.lines().map(str::to_owned).collect())
}

fn export(profile: Option<&str>, file: &Path) -> Result<(), String> {
    let identity = of_profile(profile)?;
    let to_output = file == Path::new("-");
    let there = || format!("{} exists already and was left as it is: export to another file", file.display());
    if !to_output && fs::symlink_metadata(file).is_ok() {
        return Err(there());
    }
    let passphrase = passphrase::new()?;
    let seed = random_seed().map_err(|error| format!("The system gives no random numbers: {error}"))?;
    let text = crypto::export(&identity, &passphrase, seed).map_err(|error| sentence(&error.to_string()))?;
    if to_output {
        return text.lines().try_for_each(print);
    }
    write_new(file, text.as_bytes()).map_err(|error| {
        let exists = error.kind() == io::ErrorKind::AlreadyExists;
        if exists { there() } else { format!("Cannot write {}: {error}", file.display()) }
    })?;
    print(&format!("Exported {} to {}", identity.public_key().fingerprint(), file.display()))
}

/// Writes a file that is not there yet, for our eyes only, to the disk.
fn write_new(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = options.open(file)?;
    let written = opened.write_all(bytes).and_then(|()| opened.sync_all());
    if written.is_err() {
        // A part of it is of no use.
        let _ = fs::remove_file(file);
    }
    written
}

fn import(profile: Option<&str>, file: &Path, replace: bool) -> Result<(), String> {
    let text = read(file).map_err(|error| format!("Cannot read {}: {error}", file.display()))?;
    let profile_text = |error: crate::node::ProfileError| sentence(&error.to_string());
    let opened = Profile::open_only(profile).map_err(profile_text)?;
    if !replace {
        let (kept, identity) = Profile::identity_of(profile).map_err(profile_text)?;
        if let Some(identity) = identity {
            return Err(format!(
                "There is an identity already, {} in {}: it was left as it is. To move it aside, add --replace",
                identity.public_key().fingerprint(),
                kept.display()
            ));
        }
    }
    let passphrase = passphrase::known()?;
    let identity = crypto::import(&text, &passphrase);
    let identity = identity.map_err(|error| format!("{}: {}", file.display(), sentence(&error.to_string())))?;
    let aside = opened.take_identity(&identity, replace).map_err(profile_text)?;
    print(&format!("Imported {}", identity.public_key().fingerprint()))?;
    match aside {
        Some(aside) => print(&format!("The identity that was here is kept in {}", aside.display())),
        None => Ok(()),
    }
}

fn read(file: &Path) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    File::open(file)?.take(FILE_MAX).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_qr_code_is_made_of_half_blocks_with_a_quiet_border() {
        let link = PeerLink::new(LinkTo::Key(crate::wire::PublicKey([7; 32])), None, []).unwrap();
        let lines = qr_code(&link.to_string()).unwrap();
        let width = lines[0].chars().count();
        assert!(lines.iter().all(|line| line.chars().count() == width), "{lines:#?}");
        assert!(lines.len() <= 22 && width <= 44, "{} x {width}", lines.len());
        assert!(lines.iter().all(|line| line.chars().all(|c| " ▀▄█".contains(c))), "{lines:#?}");
        assert!(lines[..2].iter().all(|line| line.chars().all(|c| c == '█')), "{lines:#?}");
    }
}
