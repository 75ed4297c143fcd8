package dev.graft.trainer.bpe;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * How a vocabulary is learnt.
 *
 * @param data files of text: {@code .txt} whole, others JSONL rows
 * @param vocabularySize tokens in all, special ones and the 256 bytes included
 * @param minFrequency pairs that stand less often are not merged, at least 1
 * @param template the chat template that the file carries: a built-in name, a file, or {@code none}
 * @param special more special tokens than those of the template
 * @param name the file's {@code general.name}
 */
public record TokenizerOptions(List<Path> data, int vocabularySize, int minFrequency, String template, List<String> special, String name) {
  /** The template for who names none: five tokens around each message, two of them special; every llama.cpp knows it. */
  public static final String DEFAULT_TEMPLATE = "chatml";

  /** @throws NullPointerException when anything is null */
  public TokenizerOptions {
    data = List.copyOf(data);
    special = List.copyOf(special);
    Objects.requireNonNull(template);
    Objects.requireNonNull(name);
  }
}
