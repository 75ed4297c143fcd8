/**
 * Hugging Face's folders (config.json, tokenizer.json, safetensors) as GGUF files. Names, metadata keys and the order of rows are those
 * that llama.cpp's own converter gives, so that its files and ours are alike.
 */
package dev.graft.eval.convert;
