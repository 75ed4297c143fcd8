package dev.graft.eval.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;

/** {@code results.json}: {@link StudyResults} with snake_case names. Stateless. */
public final class ResultsFile {
  /** Its name in a study's folder. */
  public static final String NAME = "results.json";

  private static final ObjectMapper JSON = JsonMapper.builder()
      .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
      .enable(SerializationFeature.INDENT_OUTPUT)
      .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
      .build();

  private ResultsFile() {}

  /** The results as a JSON document. */
  public static String text(StudyResults results) {
    try {
      return JSON.writeValueAsString(results) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("cannot write results as JSON: " + e.getOriginalMessage(), e);
    }
  }

  /** Writes it, whole or not at all. @throws RunException when that cannot be */
  public static void write(StudyResults results, Path file) {
    try {
      SafeFiles.writeText(file, text(results));
    } catch (IOException e) {
      throw RunException.failed(file + ": cannot be written: " + SafeFiles.reason(e), e);
    }
  }

  /** Reads it. @throws RunException in one line, naming the place, when the file is missing, no JSON, or holds something else */
  public static StudyResults read(Path file) {
    String text;
    try {
      text = Files.readString(file);
    } catch (CharacterCodingException e) {
      throw RunException.badData(file + ": is no results file: not UTF-8 text; write it anew with graft reproduce", e);
    } catch (IOException e) {
      throw RunException.badData(file + ": cannot be read: " + SafeFiles.reason(e) + "; give the folder that graft reproduce wrote", e);
    }
    StudyResults results;
    try {
      results = JSON.readValue(text, StudyResults.class);
    } catch (JsonProcessingException e) {
      throw RunException.badData(file + where(e) + ": is no results file: " + e.getOriginalMessage() + "; write it anew with graft reproduce", e);
    }
    if (results == null || results.format() != StudyResults.FORMAT) {
      throw RunException.badData(file + ": has format " + (results == null ? "null" : results.format()) + ", and this version of Graft reads " + StudyResults.FORMAT
          + "; write it anew with graft reproduce", null);
    }
    return results;
  }

  private static String where(JsonProcessingException e) {
    return e.getLocation() == null || e.getLocation().getLineNr() < 1 ? "" : ":" + e.getLocation().getLineNr() + ":" + e.getLocation().getColumnNr();
  }
}
