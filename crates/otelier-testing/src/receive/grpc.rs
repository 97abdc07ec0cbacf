use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
    logs_service_server::{self, LogsService, LogsServiceServer},
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
    metrics_service_server::{self, MetricsService, MetricsServiceServer},
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{self, TraceService, TraceServiceServer},
};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;

use super::MAX_REQUEST;
use crate::store::{Store, Unavailable};

/// Answers OTLP/gRPC.
pub(crate) async fn answer(store: Arc<Store>, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path();
    let service = path
        .strip_prefix('/')
        .and_then(|path| path.split('/').next());
    let answered = match service {
        Some(trace_service_server::SERVICE_NAME) => {
            let server = TraceServiceServer::from_arc(store);
            server
                .max_decoding_message_size(MAX_REQUEST)
                .call(request)
                .await
        }
        Some(logs_service_server::SERVICE_NAME) => {
            let server = LogsServiceServer::from_arc(store);
            server
                .max_decoding_message_size(MAX_REQUEST)
                .call(request)
                .await
        }
        Some(metrics_service_server::SERVICE_NAME) => {
            let server = MetricsServiceServer::from_arc(store);
            server
                .max_decoding_message_size(MAX_REQUEST)
                .call(request)
                .await
        }
        _ => Ok(Status::unimplemented(format!("no service at {path}")).into_http()),
    };
    answered.unwrap_or_else(|never| match never {})
}

#[tonic::async_trait]
impl TraceService for Store {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, Status> {
        self.receive(request.into_inner()).await?;
        Ok(ExportTraceServiceResponse::default().into())
    }
}

#[tonic::async_trait]
impl LogsService for Store {
    async fn export(
        &self,
        request: tonic::Request<ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<ExportLogsServiceResponse>, Status> {
        self.receive(request.into_inner()).await?;
        Ok(ExportLogsServiceResponse::default().into())
    }
}

#[tonic::async_trait]
impl MetricsService for Store {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, Status> {
        self.receive(request.into_inner()).await?;
        Ok(ExportMetricsServiceResponse::default().into())
    }
}

impl From<Unavailable> for Status {
    fn from(_: Unavailable) -> Self {
        Self::unavailable(Unavailable::MESSAGE)
    }
}
