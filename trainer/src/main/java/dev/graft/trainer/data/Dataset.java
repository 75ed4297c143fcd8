package dev.graft.trainer.data;

import java.nio.file.Path;
import java.util.List;

/**
 * The rows of one data file as token ids.
 *
 * @param file where they came from
 * @param kind what every row is: SFT, PREFERENCE, UNPAIRED or PROMPT, never ANY or ANSWERS
 * @param examples in file order, without those that were dropped (with {@link DataOptions#keepAll} none is)
 * @param report what was counted on the way
 */
public record Dataset(Path file, Kind kind, List<Example> examples, DatasetReport report) {

  /** What the rows of a file are, or are asked to be. */
  public enum Kind {
    /** prompt and completion, chat, plain text, or prompt_ids and completion_ids. */
    SFT,
    /** prompt, chosen and rejected, as text, messages or ids. */
    PREFERENCE,
    /** prompt, completion and label (true or false), as text, messages or ids; a row of PREFERENCE counts as two. */
    UNPAIRED,
    /** Only the prompt of any format is read; the rest may be missing. */
    PROMPT,
    /** SFT or PREFERENCE, as the first row says; only for asking. */
    ANY,
    /** As ANY, but without plain text, which has no answers; only for asking. */
    ANSWERS
  }

  /** Copies the list. */
  public Dataset {
    examples = List.copyOf(examples);
  }

  /** The examples of an SFT file. @throws ClassCastException when the file is of another kind */
  public List<SftExample> sft() {
    return examples.stream().map(SftExample.class::cast).toList();
  }

  /** The examples of a preference file. @throws ClassCastException when the file is of another kind */
  public List<PreferenceExample> preferences() {
    return examples.stream().map(PreferenceExample.class::cast).toList();
  }

  /** The examples of a file of unpaired preferences. @throws ClassCastException when the file is of another kind */
  public List<LabelledExample> labelled() {
    return examples.stream().map(LabelledExample.class::cast).toList();
  }

  /** The examples of a file read for its prompts. @throws ClassCastException when the file was read otherwise */
  public List<PromptExample> prompts() {
    return examples.stream().map(PromptExample.class::cast).toList();
  }
}
