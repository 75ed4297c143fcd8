/**
 * Answers held to a form: one of a list, a regular expression, a JSON schema, a grammar; as masks over the vocabulary. A form becomes rules, each a deterministic automaton over
 * bytes and calls ({@link dev.graft.trainer.constrain.Grammar}), which a machine with sets of stacks follows over a trie of the tokens.
 */
package dev.graft.trainer.constrain;
