//! The checks of this family: the checkpoints of a roll-out, and what else a client runs into.

use crate::doctor::check::checks;

checks! { Gateway:
    SETUP: Fatal, "gateway.setup", "a file or variable for the gateway is missing or invalid";
    REDIRECTS: Fatal, "gateway.redirects", "the gateway redirects, which clients do not follow";
    WRONG_PATH: Fatal, "gateway.wrong-path", "the gateway's path is wrong: '/v1' twice, a missing prefix";
    WEB_PAGE: Fatal, "gateway.web-page", "a web page in place of the API: a sign-in, another server";
    MODEL: Fatal, "gateway.model", "the gateway routes no such model";
    KEY_REJECTED: Fatal, "gateway.key-rejected", "the gateway rejects the developer's key";
    BOTH_HEADERS: Fatal, "gateway.both-headers", "the key is accepted in one header, and not in both";
    MESSAGES_FORBIDDEN: Fatal, "gateway.messages-forbidden", "the key may not send messages";
    WAF: Fatal, "gateway.waf", "a firewall refuses messages, not the gateway";
    BUDGET: Fatal, "gateway.budget", "a budget, quota or guardrail refuses requests";
    OUTAGE: Fatal, "gateway.outage", "the gateway, or the model behind it, fails";
    REQUEST_REFUSED: Fatal, "gateway.request-refused", "the gateway refuses a client's request";
    BETA: Fatal, "gateway.beta", "'?beta=true' or the header 'anthropic-beta' is refused";
    RATE_LIMIT: Warning, "gateway.rate-limit", "the gateway limits the number of requests now";
    SLOW: Warning, "gateway.slow", "a short message is not answered in time";
    NO_STREAM: Fatal, "gateway.no-stream", "a request for a stream gets no stream of events";
    BUFFERED: Warning, "gateway.buffered", "a stream arrives all at once: a proxy buffers it";
    ERRORS_HIDDEN: Warning, "gateway.errors-hidden", "an invalid request gets no 400 with an error in JSON";
    NO_REQUEST_ID: Note, "gateway.no-request-id", "answers lack the header 'request-id'";
    ONE_HEADER: Note, "gateway.one-header", "the key is read from one of the two headers only";
    NO_MODELS: Note, "gateway.no-models", "no route '/v1/models', or one that the key may not use";
    NO_COUNT_TOKENS: Note, "gateway.no-count-tokens", "no route '/v1/messages/count_tokens'";
}
