use std::error::Error;
use std::time::Duration;

use http::StatusCode;
use opentelemetry::KeyValue;
use opentelemetry::trace::{Status, TraceContextExt as _};
use otelier_context::{Level, Outcome, RequestEnd};

use super::{Recording, guarded};
use crate::classify::{Class, Ending, ErrorType};
use crate::metrics::{ActiveLabels, DurationLabels, Measure};
use crate::{GrpcStatus, semconv};

/// The most that the size of a request's body counts for, in bytes: it is the client's word, and one
/// huge one would be all that a histogram's sum tells.
const MAX_ANNOUNCED: u64 = 1 << 40;

impl Recording {
    /// The one place in which a request ends.
    pub(super) fn end(&mut self, outcome: Outcome, service_error: Option<&(dyn Error + 'static)>) {
        self.finished = true;
        let duration = self.start.elapsed();
        self.request.end();
        if let Some(active) = &self.active {
            active.dec();
        }
        let status = self.response.map(|(status, _)| status);
        let settings = &self.recorder.settings;
        let call = settings.grpc.as_ref().zip(self.call.as_ref());
        let grpc_status = call.map(|(_, call)| call.status(outcome, status, duration));
        let ending = Ending {
            outcome,
            status,
            application_error: self.request.error(),
            service_error,
            grpc_status,
        };
        let classifier = match call {
            Some((grpc, _)) => &grpc.classifier,
            None => &settings.classifier,
        };
        let class = guarded("classifier", || classifier.classify(&ending))
            .unwrap_or(Class::error(ErrorType::Word(semconv::OTHER), Level::Error));
        let error_type = class.error_type.as_ref().map(ErrorType::as_str);
        self.end_span(status, grpc_status, error_type, duration);

        let labels = DurationLabels {
            status,
            error_type: class.error_type,
            version: self.inbound.version,
            request: ActiveLabels {
                method: self.inbound.method,
                scheme: self.inbound.scheme,
            },
            route: self.route.template().cloned(),
        };
        match call.zip(grpc_status) {
            Some(((grpc, call), status)) => {
                let span = self.cx.span();
                let (seconds, span) = (duration.as_secs_f64(), span.span_context());
                grpc.record(call, self.inbound.path(), status, class, seconds, span);
            }
            None => self.record(&labels, duration),
        }

        let mut end = RequestEnd::new(outcome, class.level, self.wall, duration);
        end.head = self.response.map(|(_, head)| head);
        end.method = self.inbound.method;
        end.route = labels.route.as_deref();
        end.operation = self.request.operation();
        end.path = self.inbound.path();
        end.status_code = status
            .filter(|_| call.is_none())
            .map(|status| status.as_u16());
        end.rpc_method = call.map(|(_, call)| &**call.method().name());
        end.rpc_status_code = grpc_status.map(GrpcStatus::as_str);
        end.error_type = error_type;
        end.protocol_version = self.inbound.version;
        end.client_address = self.inbound.client_address();
        end.user_agent = self.inbound.user_agent();
        end.bytes_in = self.inbound.bytes_in;
        end.bytes_out = status.map(|_| self.bytes_out);
        end.is_stream = self.is_stream;
        self.tell(&end);
    }

    fn record(&self, labels: &DurationLabels, duration: Duration) {
        let span = self.cx.span();
        let record = |measure, value| {
            let handles = &self.recorder.handles;
            handles.record(&self.route, labels, measure, value, span.span_context());
        };
        let measure = match self.is_stream {
            true => Measure::Stream,
            false => Measure::Request,
        };
        record(measure, duration.as_secs_f64());
        let (request, response) = self.body_sizes();
        for (measure, size) in [
            (Measure::RequestSize, request),
            (Measure::ResponseSize, response),
        ] {
            if let Some(bytes) = size {
                record(measure, bytes as f64);
            }
        }
    }

    /// The sizes of the request's and the response's body in bytes, where they are asked for and known.
    fn body_sizes(&self) -> (Option<i64>, Option<i64>) {
        if !self.recorder.settings.body_sizes || self.is_grpc() {
            return (None, None);
        }
        let announced = self.inbound.bytes_in;
        let sent = self.response.map(|_| self.bytes_out);
        (
            announced.map(|bytes| bytes.min(MAX_ANNOUNCED) as i64),
            sent.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        )
    }

    fn end_span(
        &self,
        status: Option<StatusCode>,
        grpc_status: Option<GrpcStatus>,
        error_type: Option<&str>,
        duration: Duration,
    ) {
        let span = self.cx.span();
        let status = match grpc_status {
            Some(status) => Some(KeyValue::new(
                semconv::RPC_RESPONSE_STATUS_CODE,
                status.as_str(),
            )),
            None => status.map(|status| {
                let code = i64::from(status.as_u16());
                KeyValue::new(semconv::HTTP_RESPONSE_STATUS_CODE, code)
            }),
        };
        let error = error_type.map(|word| KeyValue::new(semconv::ERROR_TYPE, word.to_owned()));
        let late_tenant = self.request.tenant().filter(|_| !self.tenant_on_span);
        let tenant = late_tenant.map(|tenant| KeyValue::new(semconv::TENANT_ID, tenant.clone()));
        let user = self.request.user();
        let user = user.map(|user| KeyValue::new(semconv::USER_ID, user.clone()));
        let operation = self.request.operation();
        let operation = operation.map(|operation| KeyValue::new(semconv::OPERATION, operation));
        let (request, response) = self.body_sizes();
        let request = request.map(|size| KeyValue::new(semconv::HTTP_REQUEST_BODY_SIZE, size));
        let response = response.map(|size| KeyValue::new(semconv::HTTP_RESPONSE_BODY_SIZE, size));
        let fields = self.request.fields();
        let fields = fields
            .iter()
            .map(|(key, value)| KeyValue::new(semconv::field_key(key), value.clone()));
        let own = [status, error, tenant, user, operation, request, response]
            .into_iter()
            .flatten();
        // Neither is made for a span that does not record.
        span.set_attributes(own.chain(fields));
        if error_type.is_some() {
            span.set_status(Status::error(""));
        }
        // By the monotonic clock: a wall clock that was set back must not make a negative span.
        span.end_with_timestamp(self.wall + duration);
    }

    fn tell(&self, end: &RequestEnd<'_>) {
        let _guard = self.cx.clone().attach();
        for observer in &self.recorder.settings.observers {
            guarded("observer", || observer.on_end(end));
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if !self.finished {
            let before_head = self.response.is_none();
            self.end(Outcome::Cancelled { before_head }, None);
        }
    }
}
