//! The file that carries an identity to another machine: an encrypted PKCS#8 key in PEM, which `openssl pkey` reads too
//! (protocol.md §9.1).

use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::pem::{LineEnding, PemLabel};
use pkcs8::der::{Decode, Encode, SecretDocument};
use pkcs8::pkcs5::{EncryptionScheme, pbes2, scrypt};
use pkcs8::{AlgorithmIdentifierRef, EncryptedPrivateKeyInfoRef, ObjectIdentifier, PrivateKeyInfoRef};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::engine::Secret;

use super::KeyPair;

/// `id-Ed25519` of RFC 8410.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// scrypt with N = 2^14, r = 8, p = 5: 16 MiB, the most that OpenSSL reads, and five times its usual work.
const SCRYPT: (u8, u32, u32) = (14, 8, 5);

/// Bytes of the longest file that is read; ours have about 400.
const FILE_MAX: usize = 16 * 1_024;

/// Most memory that a file may ask for, bytes.
const MEMORY_MAX: u64 = 64 * 1_024 * 1_024;

/// Most memory that a file may have gone through, bytes: some seconds of work.
const WORK_MAX: u64 = 1_024 * 1_024 * 1_024;

/// Most rounds of PBKDF2 that a file may ask for: some seconds of work.
const ROUNDS_MAX: u32 = 10_000_000;

/// Why an identity was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ExportError {
    /// It would lie there for everybody to take.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// The key could not be encrypted; there is no known way to this.
    #[error("the key could not be encrypted")]
    Failed,
}

/// Why a file gave no identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ImportError {
    /// It is no PEM file with an encrypted key.
    #[error(
        "this is no exported identity: a line \"-----BEGIN ENCRYPTED PRIVATE KEY-----\" and all up to its END are needed"
    )]
    NotAnExport,
    /// It is encrypted in a way that is not known here.
    #[error("the key is encrypted in a way that is not known here; AES with scrypt or PBKDF2 is")]
    Encryption,
    /// It asks for more memory or time than any honest file.
    #[error("the file asks for too much memory or time to be opened")]
    TooCostly,
    /// It does not open.
    #[error("wrong passphrase, or a damaged file")]
    WrongPassphrase,
    /// It holds a key of another kind.
    #[error("the key in the file is no Ed25519 key")]
    OtherKey,
}

/// Writes an identity as a PEM file that only `passphrase` opens: PKCS#8, PBES2 with scrypt and AES-256-CBC. `seed`
/// comes from the system's random source, and is new each time.
///
/// # Errors
/// [`ExportError`] for an empty passphrase.
pub fn export(identity: &KeyPair, passphrase: &str, seed: [u8; 32]) -> Result<String, ExportError> {
    if passphrase.is_empty() {
        return Err(ExportError::EmptyPassphrase);
    }
    encrypted(identity, passphrase, seed).ok_or(ExportError::Failed)
}

fn encrypted(identity: &KeyPair, passphrase: &str, seed: [u8; 32]) -> Option<String> {
    let secret = identity.secret();
    let inner = Zeroizing::new(OctetStringRef::new(&secret.0).ok()?.to_der().ok()?);
    let algorithm = AlgorithmIdentifierRef { oid: ED25519, parameters: None };
    let key = PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(&inner).ok()?);
    let (log_n, r, p) = SCRYPT;
    let (salt, iv) = seed.split_at(16);
    let cost = scrypt::Params::new(log_n, r, p).ok()?;
    let how = pbes2::Parameters::generate_scrypt_aes256cbc(cost, salt, iv.try_into().ok()?).ok()?;
    let document = key.encrypt_with_params(how, passphrase).ok()?;
    let pem = document.to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF).ok()?;
    Some(String::clone(&pem))
}

/// Reads what [`export`] wrote, or another program: an encrypted PKCS#8 Ed25519 key in PEM.
///
/// # Errors
/// [`ImportError`] says what is wrong. A file that asks for too much work is refused before any is done.
pub fn import(pem: &str, passphrase: &str) -> Result<KeyPair, ImportError> {
    let pem = pem.trim();
    if pem.len() > FILE_MAX {
        return Err(ImportError::NotAnExport);
    }
    let (label, document) = SecretDocument::from_pem(pem).map_err(|_| ImportError::NotAnExport)?;
    if label != EncryptedPrivateKeyInfoRef::PEM_LABEL {
        return Err(ImportError::NotAnExport);
    }
    let file = EncryptedPrivateKeyInfoRef::from_der(document.as_bytes()).map_err(|_| ImportError::Encryption)?;
    affordable(&file.encryption_algorithm)?;
    let document = file.decrypt(passphrase).map_err(|error| match error {
        pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::UnsupportedAlgorithm { .. }) => ImportError::Encryption,
        pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::AlgorithmParametersInvalid { .. }) => {
            ImportError::Encryption
        }
        _ => ImportError::WrongPassphrase,
    })?;
    let key = PrivateKeyInfoRef::from_der(document.as_bytes()).map_err(|_| ImportError::WrongPassphrase)?;
    if key.algorithm.oid != ED25519 {
        return Err(ImportError::OtherKey);
    }
    let inner = <&OctetStringRef>::from_der(key.private_key.as_bytes()).map_err(|_| ImportError::OtherKey)?;
    let mut secret = Secret([0; 32]);
    if inner.as_bytes().len() != secret.0.len() {
        return Err(ImportError::OtherKey);
    }
    secret.0.copy_from_slice(inner.as_bytes());
    Ok(KeyPair::new(&secret))
}

/// Looks at what a file asks for before any of it is done.
fn affordable(scheme: &EncryptionScheme) -> Result<(), ImportError> {
    let EncryptionScheme::Pbes2(parameters) = scheme else { return Err(ImportError::Encryption) };
    let fits = if let Some(scrypt) = parameters.kdf.scrypt() {
        let block = 128 * u64::from(scrypt.block_size);
        let memory = block.saturating_mul(u64::from(scrypt.cost_parameter));
        let work = memory.saturating_mul(u64::from(scrypt.parallelization));
        memory <= MEMORY_MAX && work <= WORK_MAX
    } else if let Some(pbkdf2) = parameters.kdf.pbkdf2() {
        pbkdf2.iteration_count <= ROUNDS_MAX
    } else {
        return Err(ImportError::Encryption);
    };
    if fits { Ok(()) } else { Err(ImportError::TooCostly) }
}
