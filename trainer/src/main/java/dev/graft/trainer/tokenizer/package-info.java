/** Vocabularies read from model files, and llama.cpp's encoding of text. */
package dev.graft.trainer.tokenizer;
