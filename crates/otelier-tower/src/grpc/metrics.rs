use std::fmt;
use std::sync::Arc;

use otelier_metrics::prometheus_client::encoding::{
    EncodeLabel as _, EncodeLabelSet, LabelSetEncoder,
};
use otelier_metrics::{DURATION_BUCKETS, Family, Histogram, MAX_SERIES, RegisterError, Registry};

use super::GrpcStatus;
use crate::classify::ErrorType;
use crate::semconv::{self, label};

/// The metrics of a gRPC server: `rpc_server_call_duration_seconds`.
///
/// A registry has them once; each layer over it takes a clone.
#[derive(Debug, Clone)]
pub struct GrpcServerMetrics {
    duration: Family<CallLabels, Histogram>,
}

impl GrpcServerMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    ///
    /// If they are registered already: clone the first instead.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            duration: registry.histogram_seconds(
                semconv::RPC_SERVER_CALL_DURATION,
                "Duration of gRPC server calls, to the status after the last message",
                DURATION_BUCKETS,
            )?,
        })
    }

    pub(super) fn handle(
        &self,
        method: Arc<str>,
        status: GrpcStatus,
        error_type: Option<ErrorType>,
    ) -> Histogram {
        // Half of the places are not for what clients bring about: calls that succeed or fail by the
        // server's fault must find a place all the same.
        let places = match (status, error_type) {
            (GrpcStatus::Ok, _) | (_, Some(_)) => MAX_SERIES,
            _ => MAX_SERIES / 2,
        };
        let labels = CallLabels {
            method,
            status,
            error_type,
        };
        self.duration.handle_within(places, labels)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct CallLabels {
    method: Arc<str>,
    status: GrpcStatus,
    error_type: Option<ErrorType>,
}

impl EncodeLabelSet for CallLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        (label::RPC_SYSTEM_NAME, semconv::GRPC).encode(encoder.encode_label())?;
        (label::RPC_METHOD, &*self.method).encode(encoder.encode_label())?;
        let status = self.status.as_str();
        (label::RPC_RESPONSE_STATUS_CODE, status).encode(encoder.encode_label())?;
        if let Some(error_type) = &self.error_type {
            (label::ERROR_TYPE, error_type.as_str()).encode(encoder.encode_label())?;
        }
        Ok(())
    }
}
