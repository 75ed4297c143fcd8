/** Answers held to a form: one of a list, a regular expression, a JSON schema; as masks over the vocabulary. */
package dev.graft.trainer.constrain;
