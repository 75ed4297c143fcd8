package dev.graft.eval.report;

import java.awt.BasicStroke;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.geom.Rectangle2D;
import java.util.List;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.axis.NumberTick;
import org.jfree.chart.axis.ValueAxis;
import org.jfree.chart.plot.DatasetRenderingOrder;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.ui.RectangleEdge;
import org.jfree.chart.ui.RectangleInsets;

/** The common look of charts. Stateless. */
final class Axes {
  private Axes() {}

  /** An axis that has ticks only up to a value, so that there is room for marks above. */
  static NumberAxis upTo(String label, double last) {
    return new NumberAxis(label) {
      private static final long serialVersionUID = 1;

      @Override
      @SuppressWarnings({"unchecked", "rawtypes"})
      public List refreshTicks(Graphics2D g, org.jfree.chart.axis.AxisState state, Rectangle2D area, RectangleEdge edge) {
        List ticks = super.refreshTicks(g, state, area, edge);
        ticks.removeIf(tick -> tick instanceof NumberTick number && number.getValue() > last + 1e-9);
        return ticks;
      }
    };
  }

  /** A plot without frame, with light horizontal lines. */
  static XYPlot plot(ValueAxis x, ValueAxis y) {
    style(x);
    style(y);
    XYPlot plot = new XYPlot();
    plot.setDomainAxis(x);
    plot.setRangeAxis(y);
    plot.setBackgroundPaint(null);
    plot.setOutlineVisible(false);
    plot.setDatasetRenderingOrder(DatasetRenderingOrder.FORWARD);
    plot.setDomainGridlinesVisible(false);
    plot.setRangeGridlinePaint(SvgCanvas.GRID);
    plot.setRangeGridlineStroke(new BasicStroke(0.8f));
    plot.setRangeZeroBaselineVisible(false);
    plot.setAxisOffset(RectangleInsets.ZERO_INSETS);
    return plot;
  }

  private static void style(ValueAxis axis) {
    axis.setTickLabelFont(SvgCanvas.font(Font.PLAIN, 12));
    axis.setLabelFont(SvgCanvas.font(Font.PLAIN, 12));
    axis.setTickLabelPaint(SvgCanvas.INK);
    axis.setLabelPaint(SvgCanvas.INK);
    axis.setAxisLinePaint(SvgCanvas.MUTED);
    axis.setTickMarkPaint(SvgCanvas.MUTED);
  }

  /** The chart of a plot: no title (the page has one), no background. */
  static JFreeChart chart(XYPlot plot, boolean legend) {
    JFreeChart chart = new JFreeChart(null, SvgCanvas.font(Font.BOLD, 13), plot, legend);
    chart.setBackgroundPaint(null);
    chart.setPadding(new RectangleInsets(4, 2, 2, 8));
    if (chart.getLegend() != null) {
      chart.getLegend().setItemFont(SvgCanvas.font(Font.PLAIN, 12));
      chart.getLegend().setItemPaint(SvgCanvas.INK);
      chart.getLegend().setBackgroundPaint(null);
      chart.getLegend().setFrame(org.jfree.chart.block.BlockBorder.NONE);
    }
    return chart;
  }
}
