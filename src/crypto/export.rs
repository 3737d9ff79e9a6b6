//! The file that carries an identity to another machine: an encrypted PKCS#8 key in PEM, which `openssl pkey` reads too
//! (protocol.md §9.1).

use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::pem::{LineEnding, PemLabel};
use pkcs8::der::{Decode, Encode, SecretDocument};
use pkcs8::pkcs5::{self, EncryptionScheme, pbes2, scrypt};
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
    let document = file.decrypt(passphrase).map_err(|error| {
        let unknown = matches!(
            error,
            pkcs8::Error::EncryptedPrivateKey(
                pkcs5::Error::UnsupportedAlgorithm { .. } | pkcs5::Error::AlgorithmParametersInvalid { .. }
            )
        );
        if unknown { ImportError::Encryption } else { ImportError::WrongPassphrase }
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
        let (cost, parallel) = (scrypt.cost_parameter, u64::from(scrypt.parallelization));
        let block = 128 * u64::from(scrypt.block_size);
        if !cost.is_power_of_two() || cost < 2 || block == 0 || parallel == 0 {
            // The decryption itself panics at a cost of 0.
            return Err(ImportError::Encryption);
        }
        let memory = block.saturating_mul(cost.saturating_add(parallel));
        memory <= MEMORY_MAX && memory.saturating_mul(parallel) <= WORK_MAX
    } else if let Some(pbkdf2) = parameters.kdf.pbkdf2() {
        pbkdf2.iteration_count <= ROUNDS_MAX
    } else {
        return Err(ImportError::Encryption);
    };
    if fits { Ok(()) } else { Err(ImportError::TooCostly) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Crypto;

    fn pair() -> KeyPair {
        KeyPair::new(&Secret(std::array::from_fn(|at| u8::try_from(at).unwrap())))
    }

    /// Puts the lines around the base64 of a file.
    fn pem(body: &str) -> String {
        format!("-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}\n-----END ENCRYPTED PRIVATE KEY-----\n")
    }

    /// `openssl pkcs8 -topk8 -scrypt` wrote it, for the passphrase `sesame`.
    const SCRYPT_FILE: &str = "MIGTME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAjCm/USHeGq6AICQAAC\n\
AQgCAQEwHQYJYIZIAWUDBAEqBBCz4n1qNf9yVuBpxbaYYyLxBEAdwhVO4QJ7IJLB\nGPV+LMWJkk73cVhWHxftW5Ge0gsf2aHPHsHRHhTX669XSdlMH/\
anerin4Oy3J6g5\n7+xmqZMF";

    /// `openssl pkcs8 -topk8` wrote it, with one round of PBKDF2, for the passphrase `sesame`.
    const PBKDF2_FILE: &str = "MIGaMFYGCSqGSIb3DQEFDTBJMCgGCSqGSIb3DQEFDDAbBAiezTP1XWgFIwIBATAM\n\
BggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQXHFXY9+jjXq8ssLESzHLsQRASfOC\nmJwCrlCHFiVMB8Cx4JloX8C2jjjKJ/iZg+4g0aWsCoBmpnAyxdCXoM\
Us/ERt70kY\nqSVG76b2cUn37McjJQ==";

    /// 10,000,001 rounds of PBKDF2.
    const COSTLY_FILE: &str = "MIGdMFkGCSqGSIb3DQEFDTBMMCsGCSqGSIb3DQEFDDAeBAhcAWz4cOqgzgIEAJiW\n\
gTAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQUGCCBolTam6wgDiMFDu+nwRA\ne9NKXx5hxDUJquJ34kRwr2eDA6BVHahQr2ubDitq7beYy9rPoJ\
o3ei7o09eoaxPI\nvzkSEHiRqe6TKeKe/nz9RQ==";

    /// An X25519 key, with one round of PBKDF2.
    const X25519_FILE: &str = "MIGaMFYGCSqGSIb3DQEFDTBJMCgGCSqGSIb3DQEFDDAbBAiymUhIF/UkAQIBATAM\n\
BggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQZfiNAwi3VqmlwOUhWk7LlARAXeyQ\nlBr+3Vh2xn10J0j4E3RQw3G2LHXglmqgDxjoq1Soi4tJEcazcV\
qWB1fwB8A98Vu8\nEvl/jd7wJqfcZO4G2A==";

    /// PBES1 with triple DES.
    const OLD_FILE: &str = "MFgwHAYKKoZIhvcNAQwBAzAOBAhMv/h17pLE+AICCAAEOD/65ot2hnQu5qUXpr/W\n\
RNucMMDAS+OaNo+5VvbwOpEjg6dAvmnsnviZgOxU/vn4wiflbedmzQEI";

    fn error(pem: &str, passphrase: &str) -> ImportError {
        import(pem, passphrase).unwrap_err()
    }

    #[test]
    fn exported_identity_comes_back() {
        let file = export(&pair(), "sesame", [5; 32]).unwrap();
        assert!(file.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
        assert!(file.ends_with("-----END ENCRYPTED PRIVATE KEY-----\n"));
        assert!(import(&file, "sesame").unwrap().secret() == pair().secret());
        let copied = format!("\n {}\n\n", file.replace('\n', "\r\n"));
        assert!(import(&copied, "sesame").unwrap().secret() == pair().secret());
        assert_eq!(error(&file, "Sesame"), ImportError::WrongPassphrase);
        assert_eq!(error(&file, ""), ImportError::WrongPassphrase);
    }

    #[test]
    fn files_of_openssl_are_read() {
        for file in [SCRYPT_FILE, PBKDF2_FILE] {
            assert_eq!(import(&pem(file), "sesame").unwrap().public_key(), pair().public_key());
            assert_eq!(error(&pem(file), "sesam"), ImportError::WrongPassphrase);
        }
    }

    #[test]
    fn identity_is_not_written_without_a_passphrase() {
        assert_eq!(export(&pair(), "", [5; 32]), Err(ExportError::EmptyPassphrase));
    }

    #[test]
    fn what_is_no_export_is_named() {
        let plain = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n\
            -----END PRIVATE KEY-----\n";
        let long = pem(&"A".repeat(FILE_MAX));
        let cut = &pem(SCRYPT_FILE)[..200];
        for file in ["", "hello", "\u{0}\u{fffd}", plain, &long, cut, &pem("!!!!"), &pem("AAAA")] {
            assert_eq!(error(file, "sesame"), ImportError::NotAnExport, "{file}");
        }
        assert_eq!(error(&pem(OLD_FILE), "sesame"), ImportError::Encryption);
        assert_eq!(error(&pem(X25519_FILE), "sesame"), ImportError::OtherKey);
    }

    /// The bytes of a scrypt file with other costs in place of N = 2^14, r = 8, p = 1, all of one width.
    fn scrypt_file(cost: u64, block: u16, parallel: u16) -> String {
        let salt = [0; 16];
        let scrypt = pbes2::ScryptParams {
            salt: pbes2::Salt::new(salt).unwrap(),
            cost_parameter: cost,
            block_size: block,
            parallelization: parallel,
            key_length: None,
        };
        let encryption = pbes2::EncryptionScheme::Aes256Cbc { iv: [0; 16] };
        let file = EncryptedPrivateKeyInfoRef {
            encryption_algorithm: EncryptionScheme::Pbes2(pbes2::Parameters { kdf: scrypt.into(), encryption }),
            encrypted_data: OctetStringRef::new(&[0; 64]).unwrap(),
        };
        SecretDocument::try_from(file).unwrap().to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF).unwrap().to_string()
    }

    #[test]
    fn costly_file_is_refused_before_any_work() {
        assert_eq!(error(&pem(COSTLY_FILE), "sesame"), ImportError::TooCostly);
        for (cost, block, parallel) in [
            (1 << 30, 8, 1),
            (1 << 17, 8, 1),
            (1 << 14, 8, 1_000),
            (2, u16::MAX, u16::MAX),
            (1 << 63, u16::MAX, u16::MAX),
        ] {
            assert_eq!(error(&scrypt_file(cost, block, parallel), "sesame"), ImportError::TooCostly);
        }
        for (cost, block, parallel) in [(0, 8, 1), (3, 8, 1), (2, 0, 1), (2, 8, 0)] {
            assert_eq!(error(&scrypt_file(cost, block, parallel), "sesame"), ImportError::Encryption);
        }
        assert_eq!(error(&scrypt_file(16, 8, 1), "sesame"), ImportError::WrongPassphrase);
    }

    #[test]
    fn damaged_file_is_an_error_and_never_a_panic() {
        let bytes = data_encoding::BASE64.decode(PBKDF2_FILE.replace('\n', "").as_bytes()).unwrap();
        for at in 0..bytes.len() {
            for bit in [0x01, 0x80] {
                let mut damaged = bytes.clone();
                damaged[at] ^= bit;
                let read = import(&pem(&data_encoding::BASE64.encode(&damaged)), "sesame");
                // The cipher has no checksum of its own: bytes of the key itself come out as another key.
                if let Ok(read) = read {
                    assert!(read.secret() != pair().secret());
                }
            }
        }
    }
}
