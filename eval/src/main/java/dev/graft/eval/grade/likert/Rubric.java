package dev.graft.eval.grade.likert;

import dev.graft.trainer.data.DataException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a judge is asked: a text with the places {@code {prompt}}, {@code {gold}}, {@code {answer}} and {@code {rubric}}, each replaced once, so
 * that what stands in them is never taken for a place. Immutable.
 */
public final class Rubric {
  private static final Pattern PLACE = Pattern.compile("\\{(prompt|gold|answer|rubric)\\}");
  private static final int MAX_BYTES = 1 << 20;

  private final String text;
  private final String criteria;

  private Rubric(String text, String criteria) {
    this.text = text;
    this.criteria = criteria;
  }

  /** The text that comes with Graft. @param criteria what to look for in this task, or null */
  public static Rubric shipped(String criteria) {
    try (InputStream in = Rubric.class.getResourceAsStream("/dev/graft/eval/grade/likert.txt")) {
      return new Rubric(new String(in.readAllBytes(), StandardCharsets.UTF_8), criteria);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The user's own. @throws DataException when it cannot be read or has no place for the answer */
  public static Rubric of(Path file, String criteria) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new DataException(file, 0, "is larger than 1 MiB; a judge's prompt is a page of text");
      }
      String text = Files.readString(file);
      if (!text.contains("{answer}")) {
        throw new DataException(file, 0, "has no {answer}, so the judge would not see what to grade; the places are {prompt}, {gold}, {answer} and {rubric}");
      }
      return new Rubric(text, criteria);
    } catch (NoSuchFileException e) {
      throw new DataException(file, 0, "no such file; check --judge-prompt", e);
    } catch (CharacterCodingException e) {
      throw new DataException(file, 0, "is not UTF-8 text; convert the file", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The question about one answer. */
  public String ask(String prompt, String gold, String answer) {
    Map<String, String> values = Map.of("prompt", prompt, "gold", gold, "answer", answer, "rubric", criteria == null ? "" : "For this task: " + criteria.strip());
    return PLACE.matcher(text).replaceAll(place -> Matcher.quoteReplacement(values.get(place.group(1)))).strip();
  }
}
