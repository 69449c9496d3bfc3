"""Models: rows, counts or moments in, a `Fit` or a tidy table out."""

from cxuxlib.models.causes.doubting import sensitivity
from cxuxlib.models.causes.experimenting import experiment
from cxuxlib.models.causes.failing import incidents
from cxuxlib.models.causes.following import event_study
from cxuxlib.models.causes.instrumenting import instrument
from cxuxlib.models.causes.options import EventOptions, ExperimentOptions, RolloutOptions
from cxuxlib.models.causes.rolling import difference_in_differences
from cxuxlib.models.churn.curves import cumulative_incidence, survival
from cxuxlib.models.churn.foretelling import Performance, churn_performance
from cxuxlib.models.churn.hazards import churn_hazard
from cxuxlib.models.churn.landmarks import Landmarks, landmark
from cxuxlib.models.churn.leaving import Window, churn_logit
from cxuxlib.models.churn.options import HazardOptions, SurvivalOptions
from cxuxlib.models.churn.proportional import proportional_hazards
from cxuxlib.models.churn.turning import turning_point
from cxuxlib.models.combining.comparing import Combination, combination
from cxuxlib.models.combining.contrasts import penalty_reward
from cxuxlib.models.combining.quadrants import importance_performance
from cxuxlib.models.combining.reading import Folds
from cxuxlib.models.drivers import (
    DriverOptions,
    driver_ranks,
    key_drivers,
    latent_drivers,
    share_difference,
    share_differences,
)
from cxuxlib.models.loyalty.buying import Buyers, purchases
from cxuxlib.models.loyalty.contracts import Retained, retention
from cxuxlib.models.loyalty.earning import worth
from cxuxlib.models.loyalty.options import PurchaseOptions, RetentionOptions
from cxuxlib.models.measurement.halo import MethodFactors, method_factors
from cxuxlib.models.measurement.pairs import discriminant_validity
from cxuxlib.models.measurement.summing import reliability
from cxuxlib.models.moderating.groups import group_moderation
from cxuxlib.models.moderating.options import ModerationOptions
from cxuxlib.models.moderating.products import moderation
from cxuxlib.models.panels.lags import cross_lagged
from cxuxlib.models.panels.layering import variance_components
from cxuxlib.models.panels.options import PanelOptions
from cxuxlib.models.panels.staying import panel
from cxuxlib.models.regression.binary import logit
from cxuxlib.models.regression.effects import margins
from cxuxlib.models.regression.least import linear
from cxuxlib.models.regression.ordered import ordered_logit, partial_odds
from cxuxlib.models.regression.parallel import brant
from cxuxlib.models.regression.predictions import predicted
from cxuxlib.models.structural.bootstrapping import mediation_bootstrap
from cxuxlib.models.structural.equivalence import equivalence, increment
from cxuxlib.models.structural.estimating import latent
from cxuxlib.models.structural.invariant import invariance
from cxuxlib.models.structural.mediating import mediation
from cxuxlib.models.structural.misfit import modification, residuals
from cxuxlib.models.structural.nesting import nested
from cxuxlib.models.structural.options import LatentOptions
from cxuxlib.models.structural.repeated import wave_invariance
from cxuxlib.models.structural.resampling import resampled
from cxuxlib.models.structural.shapes import facet_syntax
from cxuxlib.models.validity import factor_correlation, htmt

__all__ = [
    "Buyers",
    "Combination",
    "DriverOptions",
    "EventOptions",
    "ExperimentOptions",
    "Folds",
    "HazardOptions",
    "Landmarks",
    "LatentOptions",
    "MethodFactors",
    "ModerationOptions",
    "PanelOptions",
    "Performance",
    "PurchaseOptions",
    "Retained",
    "RetentionOptions",
    "RolloutOptions",
    "SurvivalOptions",
    "Window",
    "brant",
    "churn_hazard",
    "churn_logit",
    "churn_performance",
    "combination",
    "cross_lagged",
    "cumulative_incidence",
    "difference_in_differences",
    "discriminant_validity",
    "driver_ranks",
    "equivalence",
    "event_study",
    "experiment",
    "facet_syntax",
    "factor_correlation",
    "group_moderation",
    "htmt",
    "importance_performance",
    "incidents",
    "increment",
    "instrument",
    "invariance",
    "key_drivers",
    "landmark",
    "latent",
    "latent_drivers",
    "linear",
    "logit",
    "margins",
    "mediation",
    "mediation_bootstrap",
    "method_factors",
    "moderation",
    "modification",
    "nested",
    "ordered_logit",
    "panel",
    "partial_odds",
    "penalty_reward",
    "predicted",
    "proportional_hazards",
    "purchases",
    "reliability",
    "resampled",
    "residuals",
    "retention",
    "sensitivity",
    "share_difference",
    "share_differences",
    "survival",
    "turning_point",
    "variance_components",
    "wave_invariance",
    "worth",
]
