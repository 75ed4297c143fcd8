package dev.graft.eval.task;

import dev.graft.trainer.data.DataException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.dhatim.fastexcel.reader.Cell;
import org.dhatim.fastexcel.reader.CellType;
import org.dhatim.fastexcel.reader.ReadableWorkbook;
import org.dhatim.fastexcel.reader.Row;
import org.dhatim.fastexcel.reader.Sheet;

/** Reads a sheet of an XLSX file as a table: the first row that is not empty names the columns; a formula's value is the one that was saved. */
final class ExcelFile {
  private static final long MAX_BYTES = 1L << 30;

  private ExcelFile() {}

  static TableFile read(Path file, String sheetName) {
    checkZip(file);
    try (ReadableWorkbook book = new ReadableWorkbook(file.toFile())) {
      Sheet sheet = sheetName == null ? book.getFirstSheet() : book.findSheet(sheetName).orElseThrow(() -> new DataException(file, 0,
          "has no sheet '" + sheetName + "'; its sheets are " + book.getSheets().map(Sheet::getName).collect(Collectors.joining(", "))));
      try (Stream<Row> rows = sheet.openStream()) {
        return table(file, rows);
      }
    } catch (DataException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      throw broken(file, e instanceof UncheckedIOException io ? io.getCause() : e);
    }
  }

  private static TableFile table(Path file, Stream<Row> rows) {
    List<SourceRow> read = new ArrayList<>();
    TableFile.Header header = null;
    for (Row row : (Iterable<Row>) rows::iterator) {
      List<String> cells = new ArrayList<>();
      for (int i = 0; i < row.getCellCount(); i++) {
        cells.add(row.getOptionalCell(i).map(cell -> text(file, row.getRowNum(), cell)).orElse(""));
      }
      if (cells.stream().allMatch(String::isBlank)) {
        continue;
      } else if (header == null) {
        header = new TableFile.Header(file, row.getRowNum(), cells);
      } else {
        read.add(header.row(row.getRowNum(), cells, false));
      }
    }
    return new TableFile(file, header == null ? Set.of() : header.names(), read);
  }

  private static String text(Path file, int row, Cell cell) {
    if (cell.getType() == CellType.ERROR) {
      throw new DataException(file, row, "cell " + cell.getAddress() + " holds the error " + cell.getRawValue() + "; mend it, or clear it");
    } else if (cell.getType() == CellType.NUMBER && cell.asNumber() != null) {
      return cell.asNumber().signum() == 0 ? "0" : cell.asNumber().stripTrailingZeros().toPlainString();
    } else if (cell.getType() == CellType.BOOLEAN) {
      return String.valueOf(cell.asBoolean());
    }
    return cell.getText() == null ? "" : cell.getText();
  }

  /** A broken zip, or one that would unpack to more than memory holds, must not get as far as the library. */
  private static void checkZip(Path file) {
    if (!Files.exists(file)) {
      throw new DataException(file, 0, "no such file; check the path");
    }
    try (ZipFile zip = new ZipFile(file.toFile())) {
      long bytes = zip.stream().mapToLong(ZipEntry::getSize).map(size -> Math.max(0, size)).sum();
      if (bytes > MAX_BYTES) {
        throw new DataException(file, 0, "unpacks to " + (bytes >> 20) + " MiB, more than " + (MAX_BYTES >> 20) + " are read; save the sheet as CSV");
      }
    } catch (IOException | IllegalArgumentException e) {
      throw broken(file, e);
    }
  }

  private static DataException broken(Path file, Throwable e) {
    String reason = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    return new DataException(file, 0, "cannot be read as XLSX (" + reason + "); save it anew as .xlsx, or as CSV", e);
  }
}
