/** Byte-level BPE vocabularies learnt from text: splitting into words, counting, merging, and the special tokens of chat templates. */
package dev.graft.trainer.bpe;
