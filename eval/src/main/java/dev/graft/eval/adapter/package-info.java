/** LoRA adapters as files: what is in them, scaled, summed, in other types, and to and from Hugging Face's PEFT folders. */
package dev.graft.eval.adapter;
