package dev.graft.eval.task;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.graft.trainer.data.DataException;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/**
 * A table as it was read: CSV (comma, semicolon or tab, whichever its first line has most of; UTF-8; RFC 4180 quotes), XLSX, or JSONL.
 *
 * @param columns names of its columns, in order  @param rows by column; rows without any value are not among them
 */
public record TableFile(Path file, Set<String> columns, List<SourceRow> rows) {
  /** Reads it. @param sheet of an XLSX, or null for its first  @throws DataException naming the line that is wrong */
  static TableFile read(Path file, String sheet) {
    return read(file, sheet, null);
  }

  /**
   * The same for a file that a spreadsheet program may have saved in its country's encoding.
   *
   * @param fallback what a CSV that is no UTF-8 is read as; null to refuse it
   */
  public static TableFile read(Path file, String sheet, Charset fallback) {
    String name = file.getFileName() == null ? "" : file.getFileName().toString().toLowerCase(Locale.ROOT);
    if (Files.isDirectory(file)) {
      throw new DataException(file, 0, "is a folder; give a CSV, XLSX or JSONL file");
    }
    TableFile table;
    if (name.endsWith(".jsonl") || name.endsWith(".ndjson")) {
      table = json(file);
    } else if (name.endsWith(".xlsx") || name.endsWith(".xlsm")) {
      table = ExcelFile.read(file, sheet);
    } else if (name.endsWith(".csv") || name.endsWith(".tsv") || name.endsWith(".txt")) {
      table = csv(file, StandardCharsets.UTF_8, fallback);
    } else {
      throw new DataException(file, 0, "is of no known kind; its name must end in .csv, .tsv, .xlsx or .jsonl" + (name.endsWith(".xls") ? "; save it as .xlsx" : ""));
    }
    if (table.rows.isEmpty()) {
      throw new DataException(file, 0, "holds no rows" + (table.columns.isEmpty() ? "" : " below its header") + "; a table has a header and a row each");
    }
    return table;
  }

  private static TableFile json(Path file) {
    Set<String> columns = new LinkedHashSet<>();
    List<SourceRow> rows = new ArrayList<>();
    JsonRows.read(file, "each line must be one JSON object with a field for each column", (line, row) -> {
      Map<String, JsonNode> values = new LinkedHashMap<>();
      row.properties().forEach(field -> values.put(field.getKey(), field.getValue()));
      columns.addAll(values.keySet());
      rows.add(new SourceRow(line, values));
    });
    return new TableFile(file, columns, rows);
  }

  private static TableFile csv(Path file, Charset charset, Charset fallback) {
    try {
      return csv(file, charset);
    } catch (DataException e) {
      if (fallback == null || !(e.getCause() instanceof CharacterCodingException)) {
        throw e;
      }
      return csv(file, fallback);
    }
  }

  private static TableFile csv(Path file, Charset charset) {
    char delimiter = delimiter(file, charset);
    CSVFormat format = CSVFormat.DEFAULT.builder().setDelimiter(delimiter).setIgnoreEmptyLines(false).get();
    long line = 1;
    try (BufferedReader reader = reader(file, charset); CSVParser parser = CSVParser.parse(reader, format)) {
      Iterator<CSVRecord> records = parser.iterator();
      Header header = null;
      List<SourceRow> rows = new ArrayList<>();
      while (records.hasNext()) { // reads the record
        CSVRecord record = records.next();
        List<String> cells = record.toList();
        if (header == null) {
          header = new Header(file, (int) line, cells);
        } else if (cells.stream().anyMatch(cell -> !cell.isBlank())) {
          rows.add(header.row((int) line, cells, true));
        }
        line = parser.getCurrentLineNumber() + 1;
      }
      return new TableFile(file, header == null ? Set.of() : header.names(), rows);
    } catch (UncheckedIOException e) {
      throw broken(file, line, e.getCause());
    } catch (IllegalStateException e) { // how the library wraps what it cannot parse
      throw broken(file, line, e.getCause() instanceof IOException io ? io : new IOException(e.getMessage(), e));
    } catch (CharacterCodingException e) {
      throw broken(file, line, e);
    } catch (IOException e) {
      if (Files.exists(file)) {
        throw broken(file, line, e);
      }
      throw new UncheckedIOException(e);
    }
  }

  private static DataException broken(Path file, long line, IOException e) {
    return e instanceof CharacterCodingException ? new DataException(file, 0, "is not UTF-8 text; convert it, with iconv -f LATIN1 -t UTF-8 say", e)
        : new DataException(file, (int) line, "the row that begins here is not valid CSV: " + e.getMessage() + "; check its quotes", e);
  }

  private static BufferedReader reader(Path file, Charset charset) throws IOException {
    InputStream in = new BufferedInputStream(Files.newInputStream(file));
    in.mark(3);
    if (in.read() != 0xEF || in.read() != 0xBB || in.read() != 0xBF) { // byte order mark
      in.reset();
    }
    return new BufferedReader(new InputStreamReader(in,
        charset.newDecoder().onMalformedInput(CodingErrorAction.REPORT).onUnmappableCharacter(CodingErrorAction.REPORT)));
  }

  private static char delimiter(Path file, Charset charset) {
    try (BufferedReader reader = reader(file, charset)) {
      int[] counts = new int[128];
      boolean quoted = false;
      for (int c = reader.read(), n = 0; c >= 0 && n < 1 << 16 && (quoted || c != '\n'); c = reader.read(), n++) {
        quoted ^= c == '"';
        if (!quoted && c < 128) {
          counts[c]++;
        }
      }
      char best = ',';
      for (char c : new char[] {';', '\t'}) {
        best = counts[c] > counts[best] ? c : best;
      }
      return best;
    } catch (CharacterCodingException e) {
      throw broken(file, 0, e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The first row: what the columns are called. */
  static final class Header {
    private final Path file;
    private final List<String> names;

    Header(Path file, int line, List<String> cells) {
      this.file = file;
      this.names = cells.stream().map(String::strip).toList();
      for (int i = 0; i < names.size(); i++) {
        if (!names.get(i).isEmpty() && names.indexOf(names.get(i)) < i) {
          throw new DataException(file, line, "two columns are called '" + names.get(i) + "'; give each its own name");
        }
      }
    }

    Set<String> names() {
      Set<String> named = new LinkedHashSet<>(names);
      named.remove("");
      return named;
    }

    /** @param strict whether a value beyond the named columns is an error, as it is where a delimiter may stand in a text */
    SourceRow row(int line, List<String> cells, boolean strict) {
      Map<String, JsonNode> values = new LinkedHashMap<>();
      for (int i = 0; i < cells.size(); i++) {
        if (i >= names.size() || names.get(i).isEmpty()) {
          if (strict && !cells.get(i).isBlank() && i >= names.size()) {
            throw new DataException(file, line, "has " + cells.size() + " cells, but the header names " + names.size() + " columns; put quotes around a text with delimiters");
          }
          continue;
        }
        values.put(names.get(i), TextNode.valueOf(cells.get(i)));
      }
      return new SourceRow(line, values);
    }
  }
}
