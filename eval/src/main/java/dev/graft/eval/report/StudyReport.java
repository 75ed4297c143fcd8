package dev.graft.eval.report;

import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.SafeFiles;
import gg.jte.ContentType;
import gg.jte.TemplateEngine;
import gg.jte.output.StringOutput;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The report of a study: report.html (one file that loads nothing from anywhere), results.json, and metrics.csv, comparisons.csv,
 * trials.csv and curves.csv. A study that is not finished gives a report that says what is missing. Stateless; threads may share it.
 */
public final class StudyReport {
  /** Name of the page. */
  public static final String HTML = "report.html";
  private static final String CSS = "/dev/graft/eval/report/report.css";

  private StudyReport() {}

  /**
   * Writes all files, each whole or not at all; results.json first, as all else follows from it.
   *
   * @param folder made when it is not there
   * @throws RunException when a file cannot be written
   */
  public static void write(StudyResults results, Path folder) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw RunException.failed(folder + ": cannot be made: " + SafeFiles.reason(e), e);
    }
    ResultsFile.write(results, folder.resolve(ResultsFile.NAME));
    rebuild(results, folder);
  }

  /** Writes what follows from results.json. @throws RunException when a file cannot be written */
  public static void rebuild(StudyResults results, Path folder) {
    writeText(folder.resolve(HTML), html(results));
    ReportTables.all(results).forEach((name, text) -> writeText(folder.resolve(name), text));
  }

  /** The page. */
  public static String html(StudyResults results) {
    System.setProperty("java.awt.headless", System.getProperty("java.awt.headless", "true"));
    return html(results, SvgCanvas.failure());
  }

  /** The page. @param drawing why charts cannot be drawn, or null when they can */
  static String html(StudyResults results, String drawing) {
    StringOutput out = new StringOutput(1 << 18);
    Engine.TEMPLATES.render("report.jte", ReportPage.of(results, css(), drawing), out);
    return out.toString();
  }

  /** What the study has not done yet, a sentence each; empty when it is complete. */
  public static List<String> gaps(StudyResults results) {
    return Gaps.of(results);
  }

  private static void writeText(Path file, String text) {
    try {
      SafeFiles.writeText(file, text);
    } catch (IOException e) {
      throw RunException.failed(file + ": cannot be written: " + SafeFiles.reason(e), e);
    }
  }

  private static String css() {
    try (InputStream in = StudyReport.class.getResourceAsStream(CSS)) {
      if (in == null) {
        throw new IllegalStateException("this build of Graft carries no " + CSS);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Made when first needed. */
  private static final class Engine {
    static final TemplateEngine TEMPLATES = TemplateEngine.createPrecompiled(ContentType.Html);
  }
}
