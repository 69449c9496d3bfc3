# Makes ueq_answers.csv (255 simulated sheets of the UEQ, some of them careless) and ueq.json: the figures that R's ueqr
# prints, by its steps (sheets with 3 or more contradictory scales left out; means, sds, mean +- 1.96 sd/sqrt(n)) and psych.
# Rscript tests/reference/ueq.R (from the project's root; psych 2.2.9, R 4.2)
suppressMessages({library(psych); library(jsonlite)})
set.seed(8)
n <- 255
scales <- list(attractiveness = c(1, 12, 14, 16, 24, 25), perspicuity = c(2, 4, 13, 21), efficiency = c(9, 20, 22, 23),
               dependability = c(8, 11, 17, 19), stimulation = c(5, 6, 7, 18), novelty = c(3, 10, 15, 26))
left <- c(3, 4, 5, 9, 10, 12, 17, 18, 19, 21, 23, 24, 25)
general <- rnorm(n); worth <- matrix(NA, n, 26)
for (name in names(scales)) {
  own <- rnorm(n)
  for (item in scales[[name]]) worth[, item] <- 1.1 + .6 * general + .7 * own + rnorm(n)
}
careless <- sample(n, 20); worth[careless, ] <- runif(20 * 26, -3.5, 3.5)
worth <- pmin(pmax(round(worth), -3), 3)
raw <- worth + 4; raw[, left] <- 4 - worth[, left]
colnames(raw) <- paste0("u", 1:26)
write.csv(raw, "tests/reference/ueq_answers.csv", row.names = FALSE)

x <- raw - 4; x[, left] <- 4 - raw[, left]
contradictions <- rowSums(sapply(scales, function(at) apply(x[, at], 1, function(row) diff(range(row)) > 3)))
kept <- x[contradictions < 3, ]
figures <- lapply(scales, function(at) {
  means <- rowMeans(kept[, at]); a <- suppressWarnings(psych::alpha(kept[, at], check.keys = FALSE)$total)
  list(mean = mean(means), sd = sd(means), half = 1.96 * sd(means) / sqrt(nrow(kept)), std_alpha = a$std.alpha, raw_alpha = a$raw_alpha)
})
write(toJSON(c(list(script = "ueq.R", psych = as.character(packageVersion("psych")), kept = nrow(kept)), figures),
             auto_unbox = TRUE, digits = 13, pretty = TRUE), "tests/reference/ueq.json")
