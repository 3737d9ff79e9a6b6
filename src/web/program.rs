//! What the API has to ask the program around the peer: what lies above this floor.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;

use super::input::{Answer, Asked, Input};
use super::refusal::Refusal;
use super::routes::Api;
use super::{DoctorObject, SettingRequest, SettingsObject, WhoQuery};

/// Who comes while the doctor is busy may ask again after this time.
const BUSY: Duration = Duration::from_secs(1);

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

impl Api {
    /// Has the program do something, where that stops nobody.
    async fn ask_program<T: Send + 'static>(
        &self,
        work: impl FnOnce(&(dyn Program + 'static)) -> Result<T, String> + Send + 'static,
    ) -> Result<Result<T, String>, Refusal> {
        let program = self.context.program.clone().ok_or_else(Refusal::no_program)?;
        let done = tokio::task::spawn_blocking(move || work(&*program)).await;
        done.map_err(|_| Refusal::failed("the program around the peer failed"))
    }
}

/// One at a time: it uses the network, and takes its time.
pub(super) async fn doctor(
    State(api): State<Arc<Api>>,
    Asked(asked): Asked<WhoQuery>,
) -> Result<Answer<DoctorObject>, Refusal> {
    if api.context.program.is_none() {
        return Err(Refusal::no_program());
    }
    let Ok(turn) = Arc::clone(&api.doctor).try_acquire_owned() else {
        let busy = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too-fast", "the doctor is busy with somebody else");
        return Err(busy.retry_after(BUSY));
    };
    let found = api.ask_program(move |program| {
        let found = program.doctor(asked.who.as_deref());
        // Also when nobody waits for the answer any more, the next one comes after this.
        drop(turn);
        found
    });
    found.await?.map(Answer).map_err(Refusal::failed)
}

pub(super) async fn settings(State(api): State<Arc<Api>>) -> Result<Answer<SettingsObject>, Refusal> {
    api.ask_program(|program| program.settings()).await?.map(Answer).map_err(Refusal::failed)
}

pub(super) async fn change(
    State(api): State<Arc<Api>>,
    Input(asked): Input<SettingRequest>,
) -> Result<Answer<SettingsObject>, Refusal> {
    api.ask_program(move |program| program.change(&asked)).await?.map(Answer).map_err(Refusal::usage)
}
