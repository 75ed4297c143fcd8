/**
 * Tensors in Hugging Face's safetensors format: a header length of 8 bytes, a JSON header, then the tensors' bytes.
 *
 * <p>Format: <a href="https://github.com/huggingface/safetensors#format">github.com/huggingface/safetensors</a>. Nothing in a file is
 * trusted: lengths, offsets, shapes and types are checked before anything is read.
 */
package dev.graft.eval.safetensors;
