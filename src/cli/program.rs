//! What the API asks of this program: the doctor, and the configuration file.

use std::sync::{Mutex, PoisonError};

use crate::web::{DoctorObject, Program, SettingRequest, SettingsObject};

use super::args::Options;
use super::{config, doctor};

/// This program, as it was started.
#[derive(Debug)]
pub(super) struct ThisProgram {
    options: Options,
    /// One doctor at a time: two would take each other's answers for strangers'.
    looking: Mutex<()>,
    /// One change at a time: none undoes another.
    changing: Mutex<()>,
}

impl ThisProgram {
    pub(super) fn new(options: &Options) -> Self {
        Self { options: options.clone(), looking: Mutex::default(), changing: Mutex::default() }
    }
}

impl Program for ThisProgram {
    fn doctor(&self, who: Option<&str>) -> Result<DoctorObject, String> {
        let _one = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        doctor::object(&self.options, who)
    }

    fn settings(&self) -> Result<SettingsObject, String> {
        let path = config::path(self.options.profile.as_deref())?;
        config::settings_object(&path, &self.options.settings)
    }

    fn change(&self, change: &SettingRequest) -> Result<SettingsObject, String> {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let path = config::path(self.options.profile.as_deref())?;
        config::change(&path, &change.key, change.values.as_deref())?;
        config::settings_object(&path, &self.options.settings)
    }
}
