/** llama.cpp (java-llama.cpp) in a child process, which it may abort without harm. */
package dev.graft.trainer.llama;
