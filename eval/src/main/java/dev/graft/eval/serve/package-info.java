/** Answers over HTTP: OpenAI's API, health, metrics, adapters on and off, and the page. */
package dev.graft.eval.serve;
