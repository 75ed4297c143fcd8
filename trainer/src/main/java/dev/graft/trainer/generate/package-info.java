/** Answers to prompts, by our own engine with a KV cache or by java-llama.cpp in a child process. */
package dev.graft.trainer.generate;
