package dev.graft.eval.cli;
final class GradeExportCommand {}
