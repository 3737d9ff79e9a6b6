//! What the API has to ask the program around the peer: what lies above this floor.

use std::fmt::Debug;

use super::{DoctorObject, SettingRequest, SettingsObject};

/// The program around the peer. Each call may take its time: it is made where it stops nobody.
pub trait Program: Debug + Send + Sync {
    /// Looks for what is wrong with the network, for everyone or for one; takes some seconds.
    ///
    /// # Errors
    /// Why it cannot look, fit to be shown.
    fn doctor(&self, who: Option<&str>) -> Result<DoctorObject, String>;

    /// The configuration file, and what holds.
    ///
    /// # Errors
    /// Why it cannot be read, fit to be shown.
    fn settings(&self) -> Result<SettingsObject, String>;

    /// Changes one key of the configuration file, and leaves the rest of it, remarks included, as it is.
    ///
    /// # Errors
    /// What is wrong with it, fit to be shown; the file is as it was.
    fn change(&self, change: &SettingRequest) -> Result<SettingsObject, String>;
}
