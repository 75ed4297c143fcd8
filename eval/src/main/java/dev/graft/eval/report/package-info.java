/** What a study came to, and its report: results.json, one self-contained HTML file, and CSV tables. */
package dev.graft.eval.report;
