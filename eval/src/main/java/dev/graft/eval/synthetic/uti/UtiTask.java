package dev.graft.eval.synthetic.uti;

import dev.graft.eval.synthetic.Dice;
import dev.graft.eval.synthetic.SyntheticRow;
import dev.graft.eval.synthetic.SyntheticTask;
import dev.graft.eval.synthetic.clinic.ClinicalCase;
import dev.graft.eval.synthetic.clinic.Note;
import dev.graft.eval.synthetic.clinic.NoteWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Classification of a passage, after Savage et al., "Fine-tuning methods for large language models in clinical medicine by supervised
 * fine-tuning and direct preference optimization", J Med Internet Res 2025;27:e76048.
 *
 * <p>Every passage is of an adult with white cells in the urine. The answer is {@value #POSITIVE} exactly when the patient now has at
 * least one symptom of the lower urinary tract, of this list ({@link #LOWER_URINARY}):
 *
 * <ul>
 *   <li>dysuria: pain, burning or stinging on urination
 *   <li>urinary frequency
 *   <li>urinary urgency
 *   <li>suprapubic pain: pain or pressure over the bladder
 *   <li>incontinence that is new
 *   <li>gross haematuria: blood in the urine that the eye sees
 * </ul>
 *
 * <p>Else it is {@value #NEGATIVE}: the symptoms are denied, belong to the past or to another person, or are not spoken of; what the
 * patient has now is of another organ (vaginal itch, back strain, urgency of the bowel, burning feet), stress leakage that has not
 * changed for years, urine that smells or looks cloudy, or a laboratory finding alone. Flank pain, a weak stream and a fever without
 * another source, which would leave the answer open, never occur as present. All these traps stand in passages of both answers.
 */
public final class UtiTask implements SyntheticTask {
  /** The answer when symptoms of the lower urinary tract are present. */
  public static final String POSITIVE = "UTI";

  /** The answer when there are none. */
  public static final String NEGATIVE = "No UTI";

  /** Keys of the symptoms that decide, as the lexicon names them. */
  public static final List<String> LOWER_URINARY = List.of("dysuria", "frequency", "urgency", "suprapubic pain", "incontinence", "gross haematuria");

  /** Fewest words of a passage. */
  static final int MIN_WORDS = 60;

  /** Most words of a passage. */
  static final int MAX_WORDS = 140;

  private static final String INSTRUCTION =
      "The patient below has white cells in the urine. It is a urinary tract infection only if the patient now has symptoms of the lower urinary tract.";
  private static final String QUESTION = "Does the patient have a urinary tract infection? Answer UTI or No UTI.";

  @Override
  public String name() {
    return "uti";
  }

  @Override
  public int[] studySplits() {
    return new int[] {300, 200, 100, 200};
  }

  @Override
  public SyntheticRow make(int index, SplittableRandom random) {
    boolean positive = positive(index);
    Note note = note(positive, new Dice(random));
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("label", positive ? POSITIVE : NEGATIVE);
    String prompt = INSTRUCTION + "\n\n" + note.text() + "\n\n" + QUESTION;
    return new SyntheticRow(prompt, positive ? POSITIVE : NEGATIVE, List.of(positive ? NEGATIVE : POSITIVE), fields, note.text());
  }

  /** One of each pair of consecutive rows is positive; which, looks random. */
  static boolean positive(int index) {
    return (index & 1) == (Dice.mix(index / 2 + 0x5DEECE66DL) >>> 63);
  }

  /** A passage, of the length that passages have. */
  static Note note(boolean positive, Dice dice) {
    while (true) {
      ClinicalCase source = UtiCases.make(positive, dice);
      Note note = NoteWriter.write(source, dice.between(MIN_WORDS + 8, MAX_WORDS - 22), dice);
      int words = note.text().split("\\s+").length;
      if (words >= MIN_WORDS && words <= MAX_WORDS) {
        return note;
      }
    }
  }
}
