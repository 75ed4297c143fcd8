package dev.graft.eval.cli;

import dev.graft.eval.report.ResultsFile;
import dev.graft.eval.report.StudyReport;
import dev.graft.eval.report.StudyResults;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft report}. */
@Command(
    name = "report",
    customSynopsis = "graft report DIR [--output FILE.html] [--json]",
    description = "Builds a study's report anew from its results.json: one HTML file that loads nothing from anywhere, and CSV tables.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft report study/                         study/report.html, metrics.csv, comparisons.csv, trials.csv, curves.csv",
      "  graft report study/ --output paper.html     only the page",
      "",
      "DIR is what graft reproduce wrote, finished or not: what has not been run yet is named in the report."
    })
final class ReportCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Parameters(paramLabel = "DIR", description = "Folder with results.json. Required.")
  Path folder;

  @Option(names = "--output", paramLabel = "FILE.html", description = "Writes only the page, to this file; - is standard output. Default: DIR/report.html, and the CSV tables beside it.")
  Path output;

  @Override
  public Integer call() {
    if (output != null && output.toString().equals("-") && common.json()) {
      throw CliException.usage("--output - and --json both write to standard output; choose one");
    } else if (output != null && Files.isDirectory(output)) {
      throw CliException.usage("--output " + output + " is a folder; give a file, or - for standard output");
    }
    Path file = folder.resolve(ResultsFile.NAME);
    if (output != null && isSame(output, file)) {
      throw CliException.usage("--output " + output + " is also the input; choose another name");
    }
    StudyResults results = ResultsFile.read(file);
    if (output == null) {
      StudyReport.rebuild(results, folder);
    } else if (output.toString().equals("-")) {
      common.out().print(StudyReport.html(results));
      common.out().flush();
      return ExitCode.DONE;
    } else {
      writePage(StudyReport.html(results));
    }
    Path page = output == null ? folder.resolve(StudyReport.HTML) : output;
    if (common.json()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("report", page.toString());
      json.put("complete", StudyReport.gaps(results).isEmpty());
      json.put("missing", StudyReport.gaps(results));
      common.printJson(json);
    } else {
      StudyReport.gaps(results).forEach(gap -> common.note("not complete: " + gap));
      common.out().println(page);
      common.out().flush();
    }
    return ExitCode.DONE;
  }

  private void writePage(String html) {
    try {
      SafeFiles.writeText(output, html);
    } catch (IOException e) {
      throw CliException.failed("--output " + output + ": cannot be written: " + SafeFiles.reason(e), e);
    }
  }

  private static boolean isSame(Path a, Path b) {
    try {
      return Files.exists(a) && Files.exists(b) && Files.isSameFile(a, b);
    } catch (IOException e) {
      return false;
    }
  }
}
