//! Nothing is wrong with the key, whatever it looks like.

use super::{Company, NOTICED, STAGE, turn};
use crate::support::until;

const TOUCHES: usize = 10;

#[tokio::test]
async fn a_settings_file_that_is_touched_costs_the_source_nothing() {
    let _shared = STAGE.read().await;
    let company = Company::new("off", &[]).await;
    let mut session = company.client.session();
    turn(&mut session, "before").await;
    let before = company.count();
    let runs = || company.runs_of_the_helper();
    let runs_before = runs();

    let mut turns = 0;
    for touch in 1..=TOUCHES {
        let runs_so_far = runs();
        company.touch_settings();
        // The client forgets its key when it has noticed, and asks for one at its next turn.
        until("the client has asked for a key", NOTICED, async || {
            turns += 1;
            turn(&mut session, &format!("{touch}, {turns}")).await;
            runs() > runs_so_far
        })
        .await;
    }
    company.end(session).await;

    let count = company.count().since(before);
    let runs = runs() - runs_before;
    println!("settings touched {TOUCHES} times: {runs} runs of the helper, {count}");
    assert!(runs >= TOUCHES, "{runs}");
    assert_eq!(
        (count.refused, count.reads, count.looks),
        (0, 0, 0),
        "{count}"
    );
}
