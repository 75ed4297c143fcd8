package dev.graft.eval.grade.people;

import dev.graft.trainer.run.SafeFiles;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.dhatim.fastexcel.DataValidationErrorStyle;
import org.dhatim.fastexcel.Range;
import org.dhatim.fastexcel.Workbook;
import org.dhatim.fastexcel.Worksheet;

/** Writes a grader's sheet, once as XLSX and once as CSV. */
final class SheetWriter {
  /** What a cell of XLSX can hold. */
  private static final int MOST_CHARACTERS = 32_767;
  private static final String CUT = " [...]";
  private static final int ANSWER_COLUMN = 3;
  private static final int GRADE_COLUMN = 4;

  private final Scale scale;

  SheetWriter(Scale scale) {
    this.scale = scale;
  }

  /** A line of a sheet. */
  record Line(String code, String prompt, String gold, String answer) {}

  /** Writes {@code NAME.xlsx} and {@code NAME.csv}. */
  void write(Path folder, String name, List<Line> lines) throws IOException {
    Path xlsx = folder.resolve(name + ".xlsx");
    Path temporary = SafeFiles.temporaryFor(xlsx);
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(temporary))) {
      workbook(out, lines);
    } catch (IOException | RuntimeException e) {
      Files.deleteIfExists(temporary);
      throw e;
    }
    SafeFiles.moveIntoPlace(temporary, xlsx);
    SafeFiles.writeText(folder.resolve(name + ".csv"), csv(lines));
  }

  private List<String> header() {
    return List.of("row", "task", "reference", "answer", "grade", "comment");
  }

  private String gradeHeader() {
    return "grade (" + scale.range() + ")";
  }

  private void workbook(OutputStream out, List<Line> lines) throws IOException {
    try (Workbook book = new Workbook(out, "Graft", null)) {
      Worksheet sheet = book.newWorksheet("grades");
      double[] widths = {12, 60, 40, 60, 14, 30};
      for (int c = 0; c < widths.length; c++) {
        sheet.value(0, c, c == GRADE_COLUMN ? gradeHeader() : header().get(c));
        sheet.width(c, widths[c]);
      }
      sheet.range(0, 0, 0, widths.length - 1).style().bold().wrapText(true).set();
      sheet.freezePane(1, 1);
      for (int r = 0; r < lines.size(); r++) {
        Line line = lines.get(r);
        sheet.value(r + 1, 0, line.code());
        sheet.value(r + 1, 1, cell(line.prompt()));
        sheet.value(r + 1, 2, cell(line.gold()));
        sheet.value(r + 1, ANSWER_COLUMN, cell(line.answer()));
      }
      Range texts = sheet.range(1, 0, lines.size(), widths.length - 1);
      texts.style().wrapText(true).verticalAlignment("top").set();
      sheet.range(1, GRADE_COLUMN, lines.size(), GRADE_COLUMN).style().wrapText(true).verticalAlignment("top").horizontalAlignment("center").fillColor("FFF8DC").set();
      Worksheet help = book.newWorksheet("scale");
      List<String> text = explanation();
      for (int r = 0; r < text.size(); r++) {
        help.value(r, 0, text.get(r));
      }
      for (int grade = scale.lowest(); grade <= scale.highest(); grade++) {
        help.value(text.size() + 1 + grade - scale.lowest(), 0, grade);
      }
      help.width(0, 100);
      Range allowed = help.range(text.size() + 1, 0, text.size() + 1 + scale.highest() - scale.lowest(), 0);
      sheet.range(1, GRADE_COLUMN, lines.size(), GRADE_COLUMN).validateWithList(allowed).allowBlank(true).errorStyle(DataValidationErrorStyle.STOP).showErrorMessage(true).errorTitle("Grade").error("Give a grade: " + scale.range());
    }
  }

  /** How to fill a sheet in. */
  List<String> explanation() {
    List<String> text = new ArrayList<>(List.of("Give each answer a grade: " + scale.range() + ". Compare it with the reference, which is right.", ""));
    text.addAll(scale.explained());
    text.add("");
    text.add("Grade every row, alone, and do not talk about the answers before all sheets are in. Rows may be sorted; leave the codes in the column 'row' as they are.");
    text.add("Send back the XLSX or the CSV, whichever you filled in.");
    return text;
  }

  private String csv(List<Line> lines) throws IOException {
    StringWriter text = new StringWriter();
    text.write('\ufeff'); // Excel takes a CSV for UTF-8 by this mark alone
    try (CSVPrinter printer = new CSVPrinter(text, CSVFormat.EXCEL)) {
      List<String> header = new ArrayList<>(header());
      header.set(GRADE_COLUMN, gradeHeader());
      printer.printRecord(header);
      for (Line line : lines) {
        printer.printRecord(line.code(), harmless(line.prompt()), harmless(line.gold()), harmless(line.answer()), "", "");
      }
    }
    return text.toString();
  }

  /** What a spreadsheet would run as a formula begins with a quote instead. */
  private static String harmless(String text) {
    return !text.isEmpty() && "=+-@\t\r".indexOf(text.charAt(0)) >= 0 ? "'" + text : text;
  }

  /** A text as a cell can hold it: characters that XML allows, not too many. */
  static String cell(String text) {
    StringBuilder clean = new StringBuilder();
    text.codePoints().map(c -> c == 9 || c == 10 || c == 13 || c >= 32 && c < 0xD800 || c > 0xDFFF && c < 0xFFFE || c > 0xFFFF ? c : 0xFFFD).forEach(clean::appendCodePoint);
    if (clean.length() <= MOST_CHARACTERS) {
      return clean.toString();
    }
    int end = MOST_CHARACTERS - CUT.length();
    return clean.substring(0, Character.isHighSurrogate(clean.charAt(end - 1)) ? end - 1 : end) + CUT;
  }
}
