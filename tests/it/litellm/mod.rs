//! A real LiteLLM as the gateway: what it answers, and what a developer notices of it.

mod answers;
