package dev.graft.trainer.data;

import dev.graft.trainer.template.ChatTemplate;
import dev.graft.trainer.tokenizer.Tokenizer;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * How rows become tokens.
 *
 * @param vocabulary the model's vocabulary
 * @param vocabularySize ids must be below this: the number of rows of the model's embedding
 * @param tokenizer asked for at the first row that holds text, so that files of ids start none; the caller closes what it gives
 * @param template the chat template, or empty for none
 * @param maxLength most tokens of one sequence, at least 2, or 0 for no limit
 * @param keepAll nothing is dropped: the examples are the rows, position by position (of plain text, its windows), and one that has
 *     nothing to learn has no targets
 * @param trainOnPrompts rows of chats and of prompts with completions are learnt whole: system, user and template tokens too, all but BOS
 */
public record DataOptions(
    Vocabulary vocabulary,
    int vocabularySize,
    Supplier<? extends Tokenizer> tokenizer,
    Optional<ChatTemplate> template,
    int maxLength,
    boolean keepAll,
    boolean trainOnPrompts) {

  /** @throws IllegalArgumentException when maxLength is 1 or negative */
  public DataOptions {
    Objects.requireNonNull(vocabulary);
    Objects.requireNonNull(tokenizer);
    Objects.requireNonNull(template);
    if (maxLength != 0 && maxLength < 2) {
      throw new IllegalArgumentException(
          "--max-length " + maxLength + " leaves no room for a prompt token and a completion token; give at least 2, or leave it out");
    }
  }

  /** Options that learn completions and the assistant's turns alone. */
  public DataOptions(
      Vocabulary vocabulary, int vocabularySize, Supplier<? extends Tokenizer> tokenizer, Optional<ChatTemplate> template, int maxLength, boolean keepAll) {
    this(vocabulary, vocabularySize, tokenizer, template, maxLength, keepAll, false);
  }

  /** The same with another limit; 0 for none. */
  public DataOptions withMaxLength(int length) {
    return new DataOptions(vocabulary, vocabularySize, tokenizer, template, length, keepAll, trainOnPrompts);
  }

  /** The same with another choice of dropping. */
  public DataOptions withKeepAll(boolean keep) {
    return new DataOptions(vocabulary, vocabularySize, tokenizer, template, maxLength, keep, trainOnPrompts);
  }

  /** The same with another choice of what is learnt of chats and prompts. */
  public DataOptions withTrainOnPrompts(boolean whole) {
    return new DataOptions(vocabulary, vocabularySize, tokenizer, template, maxLength, keepAll, whole);
  }
}
