/** From JSONL rows of text, chats, preferences or ids to tokens and targets, with counts of what was cut or dropped. */
package dev.graft.trainer.data;
